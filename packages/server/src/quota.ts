import { errorCodes, McpError } from '@tidings/protocol'
import { bytesOf } from './bytes-of.ts'

/** The kinds of things that are limited. */
export type LimitedThing = 'sessions' | 'streams' | 'requests' | 'subscriptions' | 'bytes'
export type LimitScope = 'total' | 'perPrincipal' | 'perSession'

const tooMany: Record<LimitedThing, string> = {
  sessions: 'Too many sessions are open',
  streams: 'Too many streams are open',
  requests: 'Too many requests are in flight',
  subscriptions: 'Too many resources are watched',
  bytes: 'Too many bytes are held',
}
const ofWhom: Record<LimitScope, string> = {
  total: 'in all',
  perPrincipal: 'for one principal',
  perSession: 'for one session or listen stream',
}

/** A limit is reached. */
export class LimitError extends Error {
  override readonly name = 'LimitError'
  /** The name of the limit, such as `sessions.perPrincipal`. */
  readonly limit: string
  readonly max: number
  /** The HTTP status: 429 when the client has too many, 503 when the server has. */
  readonly status: 429 | 503

  constructor(thing: LimitedThing, scope: LimitScope, max: number) {
    super(`${tooMany[thing]}: at most ${max} ${ofWhom[scope]} (limits.${thing}.${scope})`)
    this.limit = `${thing}.${scope}`
    this.max = max
    this.status = scope === 'total' ? 503 : 429
  }

  /** The error for the client. */
  toMcpError(code: number = errorCodes.invalidRequest): McpError {
    return new McpError(code, this.message, { data: { limit: this.limit, max: this.max } })
  }
}

/** The count of one kind of thing, in total and for each principal, and its limits. */
export class Quota {
  readonly max: Readonly<Record<LimitScope, number>>
  /** The number of refusals, by limit. */
  readonly refused: Record<LimitScope, number> = { total: 0, perPrincipal: 0, perSession: 0 }
  /** The number of those that nobody waits for any more, and that still go on. */
  abandoned = 0
  readonly #thing: LimitedThing
  #used = 0
  readonly #usedBy = new Map<string, number>()

  /** @throws {TypeError} when a limit is neither a whole number of at least 1 nor Infinity. */
  constructor(thing: LimitedThing, max: Readonly<Record<LimitScope, number>>) {
    this.#thing = thing
    this.max = max
    for (const [scope, max] of Object.entries(this.max)) {
      if (max === Infinity || (Number.isInteger(max) && max >= 1)) continue
      throw new TypeError(
        `limits.${thing}.${scope} must be a whole number of at least 1, or Infinity; got ${max}`,
      )
    }
  }

  /** The number there is now. */
  get used(): number {
    return this.#used
  }

  /** The limit that does not allow so many more. Undefined when all do. */
  reached(principal: string | undefined, count = 1): LimitScope | undefined {
    if (principal !== undefined && (this.#usedBy.get(principal) ?? 0) + count > this.max.perPrincipal)
      return 'perPrincipal'
    return this.#used + count > this.max.total ? 'total' : undefined
  }

  /** The error for a limit that is reached. Counts the refusal. */
  refuse(scope: LimitScope): LimitError {
    this.refused[scope]++
    return new LimitError(this.#thing, scope, this.max[scope])
  }

  /** @throws {LimitError} when a limit does not allow so many more. */
  require(principal: string | undefined, count = 1): void {
    const reached = this.reached(principal, count)
    if (reached !== undefined) throw this.refuse(reached)
  }

  /** Counts so many more, whatever the limits. Release each once. */
  add(principal: string | undefined, count = 1): void {
    this.#used += count
    if (principal !== undefined && count > 0) {
      this.#usedBy.set(principal, (this.#usedBy.get(principal) ?? 0) + count)
    }
  }

  /**
   * Counts so many more.
   *
   * @throws {LimitError} when a limit does not allow them.
   */
  take(principal: string | undefined, count = 1): void {
    this.require(principal, count)
    this.add(principal, count)
  }

  /** Counts so many less. */
  release(principal: string | undefined, count = 1): void {
    this.#used -= count
    if (principal === undefined || count === 0) return
    const left = this.#usedBy.get(principal)! - count
    if (left > 0) this.#usedBy.set(principal, left)
    else this.#usedBy.delete(principal)
  }
}

/** The HTTP response of requests in flight. */
interface InFlightResponse {
  /** The answer, where it is sent in one piece: held until its reader has taken it. */
  readonly answer?: string | undefined
  whenClosed(callback: () => void): void
}

const longAnswer = 16 * 1024

/**
 * The requests that one HTTP request brings, counted for as long as they cost something: until the HTTP response has left, and
 * the handler of each has settled, whether its answer is still wanted or not.
 */
export class InFlight {
  readonly #quota: Quota
  readonly #bytes: Quota
  readonly #principal: string | undefined
  readonly #response: InFlightResponse
  #count = 0
  #heldBytes = 0
  /** The requests of these that were aborted, and whose handlers still run. */
  #kept = 0
  /** The response, its making, and later answers. */
  #waitsFor = 2

  constructor(
    response: InFlightResponse,
    { requests, bytes }: { readonly requests: Quota; readonly bytes: Quota },
    principal: string | undefined,
  ) {
    this.#response = response
    this.#quota = requests
    this.#bytes = bytes
    this.#principal = principal
  }

  /**
   * Counts bytes that are held for as long as the requests are in flight. Call it before `made`.
   *
   * @throws {LimitError} when there are too many.
   */
  hold(bytes: number): void {
    this.#bytes.require(this.#principal, bytes)
    this.#addBytes(bytes)
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
    if (this.#count === 0) return this.#releaseBytes()
    const { answer = '' } = this.#response
    // A shorter one fits in the buffers of its connection.
    if (answer.length > longAnswer) this.#addBytes(bytesOf(answer))
    this.#over()
  }

  /** Keeps the requests in flight until `answered` is called, even if the response leaves before. Call it before `made`. */
  waitForAnswer(): void {
    this.#waitsFor++
  }

  answered(): void {
    if (this.#count > 0) this.#over()
  }

  /** One of the requests is aborted while its handler runs: it stays in flight until `releaseOne`. */
  keepOne(): void {
    this.#kept++
    this.#quota.abandoned++
  }

  releaseOne(): void {
    this.#quota.abandoned--
    this.#kept--
    if (this.#waitsFor > 0) return
    this.#quota.release(this.#principal, 1)
    if (this.#kept === 0) this.#releaseBytes()
  }

  #over(): void {
    if (--this.#waitsFor > 0) return
    this.#quota.release(this.#principal, this.#count - this.#kept)
    if (this.#kept === 0) this.#releaseBytes()
  }

  #addBytes(bytes: number): void {
    this.#heldBytes += bytes
    this.#bytes.add(this.#principal, bytes)
  }

  #releaseBytes(): void {
    this.#bytes.release(this.#principal, this.#heldBytes)
    this.#heldBytes = 0
  }
}
