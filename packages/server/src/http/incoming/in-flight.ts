import type { Quota } from '../../limits.ts'
import type { Principal } from '../../requests/principal.ts'
import type { TransportResponse } from '../transports/transport-response.ts'

/**
 * The requests that one HTTP request brings, counted for as long as they cost something: until each of them is answered and
 * the HTTP response has left.
 */
export class InFlight {
  readonly #quota: Quota
  readonly #principal: Principal
  readonly #response: TransportResponse
  #count = 0
  /** The response, its making, and later answers. */
  #waitsFor = 2

  constructor(response: TransportResponse, quota: Quota, principal: Principal) {
    this.#response = response
    this.#quota = quota
    this.#principal = principal
  }

  /**
   * Counts the requests, once the body is known to be in order.
   *
   * @throws {LimitError} when there are too many.
   */
  take(count: number): void {
    this.#quota.take(this.#principal, count)
    this.#count = count
    this.#response.whenClosed(() => this.#over())
  }

  /** The response has been made. */
  made(): void {
    if (this.#count > 0) this.#over()
  }

  /** Keeps the requests in flight until `answered` is called, even if the response leaves before. Call it before `made`. */
  waitForAnswer(): void {
    this.#waitsFor++
  }

  answered(): void {
    if (this.#count > 0) this.#over()
  }

  #over(): void {
    if (--this.#waitsFor === 0) this.#quota.release(this.#principal, this.#count)
  }
}

/**
 * The number of requests in a body that may not have been checked. A message that wants no response is free once it is
 * taken, so a client can always cancel, and answer requests of the server. A listen request is counted as a stream.
 */
export function requestsIn(body: unknown): number {
  return Array.isArray(body) ? body.filter(isCounted).length : Number(isCounted(body))
}

function isCounted(message: unknown): boolean {
  const { id, method } = (message ?? {}) as { id?: unknown; method?: unknown }
  return id !== undefined && typeof method === 'string' && method !== 'subscriptions/listen'
}
