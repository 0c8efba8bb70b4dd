import { types } from 'node:util'
import { within } from '../async/deadline.ts'
import { isPromise } from '../async/is-promise.ts'
import { describe } from '../options.ts'
import { Refusal } from '../refusal.ts'

/** The caller of a request, as the `principal` option identified it. `undefined` is an anonymous caller. */
export type Principal = string | undefined

/** The time that an application has to identify the caller of a request. */
const identifyWithinMs = 10_000

/**
 * Asks the application for the caller of a request.
 *
 * @param principal the `principal` option.
 * @throws the error of the application, with which it refuses the caller.
 * @throws {TypeError} when it returns no id, or throws no error.
 * @throws {Refusal} 503 when it takes too long.
 */
export function identify<Request>(
  principal: (request: Request) => unknown,
  request: Request,
): Principal | Promise<Principal> {
  let id: unknown
  try {
    id = principal(request)
    if (isPromise(id)) return within(id, identifyWithinMs, tooSlow).then(requirePrincipal, rethrow)
  } catch (thrown) {
    throw errorOf(thrown)
  }
  return requirePrincipal(id)
}

/** Sessions are told apart with it. */
function requirePrincipal(id: unknown): Principal {
  if (id === undefined || typeof id === 'string') return id
  throw new TypeError(
    `principal must return a string, such as the id of a user, or undefined; it returned ${describe(id)}`,
  )
}

function tooSlow(): Refusal {
  return new Refusal(503, `The caller was not identified within ${identifyWithinMs} ms`, { retry: true })
}

function rethrow(thrown: unknown): never {
  throw errorOf(thrown)
}

/** Who handles an error may do nothing for one that is undefined, and then nobody answers the request. */
function errorOf(thrown: unknown): unknown {
  if (types.isNativeError(thrown) || thrown instanceof Error) return thrown
  const message = `principal must throw an error to refuse a caller, as ctx.throw(401) does; it threw ${describe(thrown)}`
  return new TypeError(message, { cause: thrown })
}
