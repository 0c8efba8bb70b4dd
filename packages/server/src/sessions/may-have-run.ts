import { errorCodes, McpError, type RequestId } from '@tidings/protocol'
import { Refusal } from '../refusal.ts'

const message =
  'The node that answered this request is gone: the request may have run, as a whole, in part, or not at all'
const data = { mayHaveRun: true }

/** The error of a request whose node is gone. */
export function mayHaveRunError(): McpError {
  return new McpError(errorCodes.internalError, message, { data })
}

/**
 * The HTTP response to a request whose node is gone.
 *
 * @param id undefined for a batch.
 */
export function mayHaveRun(id: RequestId | undefined): Refusal {
  return new Refusal(502, message, { code: errorCodes.internalError, data, id })
}

/** The message, as JSON, for a request whose node is gone. */
export function mayHaveRunMessage(id: RequestId): string {
  return JSON.stringify(mayHaveRun(id).toJSON())
}
