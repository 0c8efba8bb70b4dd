import * as z from 'zod/mini'
import { errorCodes, McpError } from './errors.ts'
import { explain, inWords } from './explain.ts'
import { InputRequiredResult, mayRequireInput } from './input-requests.ts'
import { ModernRequestMeta } from './meta.ts'
import type { Method, ParamsOf, RequestMethod, ResultOf } from './method-types.ts'
import { type MethodEntry, methods } from './methods.ts'
import type { Revision } from './revisions.ts'

/** True when the protocol has the method, as a request or as a notification. */
export function isMethod(name: string): name is Method {
  return Object.hasOwn(methods, name)
}

/** True when the revision has the method, as a request or as a notification. */
export function isMethodOf(name: string, revision: Revision): name is Method {
  if (!isMethod(name)) return false
  // Revisions are dates: as strings they are in their order.
  const { since, until = revision }: MethodEntry = methods[name]
  return since <= revision && revision <= until
}

/**
 * The params of a request or a notification, checked.
 *
 * @throws {McpError} `invalidParams` that says which field is wrong, and how.
 */
export function parseParams<M extends Method>(method: M, params: unknown): ParamsOf<M> {
  const parsed = z.safeParse(methods[method].params, params, inWords)
  if (parsed.success) return parsed.data as ParamsOf<M>
  throw new McpError(errorCodes.invalidParams, `Invalid params of ${method}: ${explain(parsed.error)}`)
}

/**
 * The result of a request, checked: what a peer answered may be anything.
 *
 * @throws {McpError} `internalError` that says which field is wrong, and how.
 */
export function parseResult<M extends RequestMethod>(method: M, result: unknown): ResultOf<M> {
  const parsed = z.safeParse(methods[method].result, result, inWords)
  if (parsed.success) return parsed.data as ResultOf<M>
  throw new McpError(errorCodes.internalError, `Invalid result of ${method}: ${explain(parsed.error)}`)
}

/**
 * The result of a request to a server of 2026-07-28, checked: what was asked for, or what is required first, which
 * `isInputRequired` tells apart.
 *
 * @throws {McpError} `internalError` that says what is wrong, which may be that it is of an unknown kind.
 */
export function parseModernResult<M extends RequestMethod>(
  method: M,
  result: unknown,
): ResultOf<M> | InputRequiredResult {
  const { resultType = 'complete' } = (result ?? {}) as { resultType?: unknown }
  if (resultType === 'complete') return parseResult(method, result)
  const problem = `Invalid result of ${method}: `
  if (resultType !== 'input_required' || !mayRequireInput(method)) {
    throw new McpError(
      errorCodes.internalError,
      `${problem}its resultType cannot be ${JSON.stringify(resultType).slice(0, 100)}`,
    )
  }
  const parsed = z.safeParse(InputRequiredResult, result, inWords)
  if (parsed.success) return parsed.data
  throw new McpError(errorCodes.internalError, problem + explain(parsed.error))
}

/**
 * What `_meta` of a request of 2026-07-28 must carry, checked. On HTTP this error is answered with status 400.
 *
 * @throws {McpError} `invalidParams` that says what is missing, or wrong.
 */
export function parseModernMeta(params: { _meta?: unknown } | undefined): ModernRequestMeta {
  const parsed = z.safeParse(ModernRequestMeta, params?._meta, inWords)
  if (parsed.success) return parsed.data
  throw new McpError(errorCodes.invalidParams, `Invalid _meta of the request: ${explain(parsed.error)}`)
}
