import { type OnLeftOut, parseWith } from '../jsonrpc/parse-with.ts'
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
 * @param onLeftOut allows to leave out what is wrong and need not be there, members of lists too. It is called with that, in
 * words. Give it for a notification: of a request that is not as it was meant, nothing should be answered.
 * @throws {McpError} `invalidParams`, with the first field that is wrong and the reason.
 */
export function parseParams<M extends RequestToClient | NotificationToClient>(
  method: M,
  params: unknown,
  onLeftOut?: OnLeftOut,
): ParamsOf<M> {
  // Most of a server's messages are changes. The check by hand takes a tenth of the time of the schema.
  if (fitsChange(method, params)) return params as ParamsOf<M>
  const problem = `Invalid params of ${method}`
  return parseWith(
    paramsToClient[method],
    params,
    errorCodes.invalidParams,
    problem,
    onLeftOut,
  ) as ParamsOf<M>
}

/**
 * Checks the result of a request to a server.
 *
 * @param onLeftOut allows to leave out what is wrong and need not be there, members of lists too. It is called with that, in
 * words.
 * @throws {McpError} `internalError`, with the first field that is wrong and the reason.
 */
export function parseResult<M extends RequestToServer>(
  method: M,
  result: unknown,
  onLeftOut?: OnLeftOut,
): ResultOf<M> {
  const problem = `Invalid result of ${method}`
  const schema = resultsToClient[method]
  return parseWith(schema, result, errorCodes.internalError, problem, onLeftOut) as ResultOf<M>
}

/**
 * Checks the result of a request to a server of revision 2026-07-28: the result that was asked for, or an
 * `InputRequiredResult`. `isInputRequired` tells the two apart.
 *
 * @param onLeftOut as for {@link parseResult}. Nothing is left out of an `InputRequiredResult`.
 * @throws {McpError} `internalError`, with the first field that is wrong and the reason, or with a `resultType` that
 * the method cannot have.
 */
export function parseModernResult<M extends RequestToServer>(
  method: M,
  result: unknown,
  onLeftOut?: OnLeftOut,
): ResultOf<M> | InputRequiredResult {
  const resultType = ((result ?? {}) as { resultType?: unknown }).resultType ?? 'complete'
  if (resultType === 'complete') return parseResult(method, result, onLeftOut)
  const problem = `Invalid result of ${method}`
  if (resultType !== 'input_required' || !mayRequireInput(method)) {
    const kind = JSON.stringify(resultType).slice(0, 100)
    throw new McpError(errorCodes.internalError, `${problem}: its resultType cannot be ${kind}`)
  }
  return parseWith(InputRequiredResult, result, errorCodes.internalError, problem)
}
