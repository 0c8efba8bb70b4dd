import { parseWith } from '../jsonrpc/parse-with.ts'
import { errorCodes } from '../jsonrpc/errors.ts'
import { fitsCallTool, fitsModernMeta } from './fast-checks.ts'
import { ModernRequestMeta } from '../messages/meta.ts'
import type { Method, ParamsOf, RequestMethod, ResultOf } from './method-types.ts'
import { type MethodEntry, methods } from './methods.ts'
import type { Revision } from '../revisions.ts'

/** True when the protocol has the method, as a request or as a notification. */
export function isMethod(name: string): name is Method {
  return Object.hasOwn(methods, name)
}

/** True when the revision has the method, as a request or as a notification. */
export function isMethodOf(name: string, revision: Revision): name is Method {
  if (!isMethod(name)) return false
  // Revisions are dates: their order as strings is their order in time.
  const { since, until = revision }: MethodEntry = methods[name]
  return since <= revision && revision <= until
}

/**
 * Checks the params of a request or a notification.
 *
 * @throws {McpError} `invalidParams`, with the first field that is wrong and the reason.
 */
export function parseParams<M extends Method>(method: M, params: unknown): ParamsOf<M> {
  // Most requests are calls. The arguments are copied, as by a schema: a handler may change them.
  if (method === 'tools/call' && fitsCallTool(params)) {
    const { arguments: args } = params
    return (args === undefined ? { ...params } : { ...params, arguments: { ...args } }) as ParamsOf<M>
  }
  const problem = `Invalid params of ${method}`
  return parseWith(methods[method].params, params, errorCodes.invalidParams, problem) as ParamsOf<M>
}

/**
 * Checks the result of a request.
 *
 * @throws {McpError} `internalError`, with the first field that is wrong and the reason.
 */
export function parseResult<M extends RequestMethod>(method: M, result: unknown): ResultOf<M> {
  const problem = `Invalid result of ${method}`
  return parseWith(methods[method].result, result, errorCodes.internalError, problem) as ResultOf<M>
}

/**
 * Checks the `_meta` of a request of 2026-07-28. Over HTTP, this error is answered with status 400.
 *
 * @throws {McpError} `invalidParams`, with the first field that is missing or wrong.
 */
export function parseModernMeta(params: { _meta?: unknown } | undefined): ModernRequestMeta {
  const meta = params?._meta
  if (fitsModernMeta(meta)) return meta
  return parseWith(ModernRequestMeta, meta, errorCodes.invalidParams, 'Invalid _meta of the request')
}
