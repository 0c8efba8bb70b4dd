import { errorCodes, JSONRPC_VERSION, McpError, type RequestId } from '@tidings/protocol'

const message =
  'The node that answered this request is gone: the request may have run, as a whole, in part, or not at all'
const data = { mayHaveRun: true }

/** The error of a request whose node is gone. */
export function mayHaveRunError(): McpError {
  return new McpError(errorCodes.internalError, message, { data })
}

/** The response, as JSON, to a request whose node is gone. */
export function mayHaveRun(id: RequestId): string {
  return JSON.stringify({
    jsonrpc: JSONRPC_VERSION,
    id,
    error: { code: errorCodes.internalError, message, data },
  })
}
