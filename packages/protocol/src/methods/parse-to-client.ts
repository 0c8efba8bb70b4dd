import { checked } from '../jsonrpc/parse-with.ts'
import { errorCodes, McpError } from '../jsonrpc/errors.ts'
import { InputRequiredResult, mayRequireInput } from '../messages/input-requests.ts'
import type {
  NotificationToClient,
  ParamsOf,
  RequestToClient,
  RequestToServer,
  ResultOf,
} from './method-types.ts'
import { paramsToClient, resultsToClient } from './to-client.ts'

/** True when the protocol has the method, and it is one that a server sends. */
export function isMethodToClient(name: string): name is RequestToClient | NotificationToClient {
  return Object.hasOwn(paramsToClient, name)
}

/**
 * `parseParams` of what a server sends: in a bundle of a client it brings no schema that only a server needs.
 *
 * @throws {McpError} `invalidParams` that says which field is wrong, and how.
 */
export function parseParamsToClient<M extends RequestToClient | NotificationToClient>(
  method: M,
  params: unknown,
): ParamsOf<M> {
  const problem = `Invalid params of ${method}`
  return checked(paramsToClient[method], params, errorCodes.invalidParams, problem) as ParamsOf<M>
}

/**
 * `parseResult` of what a client asks a server: in a bundle of a client it brings no schema that only a server needs.
 *
 * @throws {McpError} `internalError` that says which field is wrong, and how.
 */
export function parseResultToClient<M extends RequestToServer>(method: M, result: unknown): ResultOf<M> {
  const problem = `Invalid result of ${method}`
  return checked(resultsToClient[method], result, errorCodes.internalError, problem) as ResultOf<M>
}

/**
 * The result of a request to a server of 2026-07-28, checked: what was asked for, or what is required first, which
 * `isInputRequired` tells apart.
 *
 * @throws {McpError} `internalError` that says what is wrong, which may be that it is of an unknown kind.
 */
export function parseModernResult<M extends RequestToServer>(
  method: M,
  result: unknown,
): ResultOf<M> | InputRequiredResult {
  const { resultType = 'complete' } = (result ?? {}) as { resultType?: unknown }
  if (resultType === 'complete') return parseResultToClient(method, result)
  const problem = `Invalid result of ${method}`
  if (resultType !== 'input_required' || !mayRequireInput(method)) {
    const kind = JSON.stringify(resultType).slice(0, 100)
    throw new McpError(errorCodes.internalError, `${problem}: its resultType cannot be ${kind}`)
  }
  return checked(InputRequiredResult, result, errorCodes.internalError, problem)
}
