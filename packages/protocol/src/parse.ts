import * as z from 'zod/mini'
import { errorCodes, McpError } from './errors.ts'
import { explain, inWords } from './explain.ts'
import type { Method, ParamsOf, RequestMethod, ResultOf } from './method-types.ts'
import { methods } from './methods.ts'

/** True when the protocol has the method, as a request or as a notification. */
export function isMethod(name: string): name is Method {
  return Object.hasOwn(methods, name)
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
