import { parseWith } from '../jsonrpc/parse-with.ts'
import { errorCodes, McpError } from '../jsonrpc/errors.ts'
import { InputRequiredResult, mayRequireInput } from '../messages/input-requests.ts'
import type {
  NotificationToClient,
  ParamsOf,
  RequestToClient,
  RequestToServer,
  ResultOf,
} from './method-types.ts'
import { fitsChange } from './fast-checks.ts'
import { paramsToClient, resultsToClient } from './to-client.ts'

// A set: to look a name that comes off the wire up in an object takes twice as long.
const names: ReadonlySet<string> = new Set(Object.keys(paramsToClient))

/** True when the protocol has the method, and a server may send it. */
export function isMethod(name: string): name is RequestToClient | NotificationToClient {
  return names.has(name)
}

/**
 * Checks the params of a request or a notification from a server.
 *
 * @throws {McpError} `invalidParams`, with the first field that is wrong and the reason.
 */
export function parseParams<M extends RequestToClient | NotificationToClient>(
  method: M,
  params: unknown,
): ParamsOf<M> {
  // Most of a server's messages are changes. The check by hand takes a tenth of the time of the schema.
  if (fitsChange(method, params)) return params as ParamsOf<M>
  const problem = `Invalid params of ${method}`
  return parseWith(paramsToClient[method], params, errorCodes.invalidParams, problem) as ParamsOf<M>
}

/**
 * Checks the result of a request to a server.
 *
 * @throws {McpError} `internalError`, with the first field that is wrong and the reason.
 */
export function parseResult<M extends RequestToServer>(method: M, result: unknown): ResultOf<M> {
  const problem = `Invalid result of ${method}`
  return parseWith(resultsToClient[method], result, errorCodes.internalError, problem) as ResultOf<M>
}

/**
 * Checks the result of a request to a server of revision 2026-07-28: the result that was asked for, or an
 * `InputRequiredResult`. `isInputRequired` tells the two apart.
 *
 * @throws {McpError} `internalError`, with the first field that is wrong and the reason, or with a `resultType` that
 * the method cannot have.
 */
export function parseModernResult<M extends RequestToServer>(
  method: M,
  result: unknown,
): ResultOf<M> | InputRequiredResult {
  const { resultType = 'complete' } = (result ?? {}) as { resultType?: unknown }
  if (resultType === 'complete') return parseResult(method, result)
  const problem = `Invalid result of ${method}`
  if (resultType !== 'input_required' || !mayRequireInput(method)) {
    const kind = JSON.stringify(resultType).slice(0, 100)
    throw new McpError(errorCodes.internalError, `${problem}: its resultType cannot be ${kind}`)
  }
  return parseWith(InputRequiredResult, result, errorCodes.internalError, problem)
}
