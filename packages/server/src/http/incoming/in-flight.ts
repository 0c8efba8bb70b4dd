import type { Context } from 'koa'
import type { Quota } from '../../limits.ts'
import { whenClosed } from '../outgoing/when-closed.ts'

/**
 * The requests that one HTTP request brings, counted for as long as they cost something: until each of them is answered,
 * and the HTTP response has left.
 */
export class InFlight {
  readonly #requests: Quota
  readonly #principal: string | undefined
  readonly #count: number
  /** The response, its making, and what else is waited for. */
  #waitsFor = 2

  /** @throws {LimitError} when there are too many. */
  constructor(ctx: Context, body: unknown, requests: Quota, principal: string | undefined) {
    this.#requests = requests
    this.#principal = principal
    this.#count = requestsIn(body)
    if (this.#count === 0) return
    requests.take(principal, this.#count)
    whenClosed(ctx, () => this.#over())
  }

  /** The response has been made. */
  made(): void {
    if (this.#count > 0) this.#over()
  }

  /** They are in flight until `answered` is called, even if the response has left before. Called before `made`. */
  waitForAnswer(): void {
    this.#waitsFor++
  }

  answered(): void {
    if (this.#count > 0) this.#over()
  }

  #over(): void {
    if (--this.#waitsFor === 0) this.#requests.release(this.#principal, this.#count)
  }
}

/**
 * How many requests a body holds. What wants no answer costs nothing once it is taken, so a client can always cancel, and
 * answer what it is asked; a listen request costs a stream, and is counted as one.
 */
function requestsIn(body: unknown): number {
  return Array.isArray(body) ? body.filter(isCounted).length : Number(isCounted(body))
}

function isCounted(message: unknown): boolean {
  const { id, method } = (message ?? {}) as { id?: unknown; method?: unknown }
  return id !== undefined && typeof method === 'string' && method !== 'subscriptions/listen'
}
