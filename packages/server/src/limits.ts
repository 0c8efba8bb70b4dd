import { errorCodes, McpError } from '@tidings/protocol'

/** How many there may be of one thing. Whole numbers of at least 1; `Infinity` is no limit. */
export interface LimitOptions {
  /** Of all clients together. Past it 503 is answered. */
  total?: number
  /** Of one principal, where the `principal` option says who that is. Past it 429 is answered. */
  perPrincipal?: number
}

/** The same for what one session can have a lot of. */
export interface SessionLimitOptions extends LimitOptions {
  /** Of one session. */
  perSession?: number
}

/** How much clients may use of a server. README.md says how the defaults were come by. */
export interface LimitsOptions {
  /**
   * Open sessions. Before one is refused, the one that has been without its client for longest ends. Default 10,000, and
   * 1,000 of one principal.
   */
  sessions?: LimitOptions
  /** Open event streams. Default 20,000, and 2,000 of one principal. */
  streams?: LimitOptions
  /** Requests whose answers have not left yet. Default 10,000, and 1,000 of one principal or session. */
  requests?: SessionLimitOptions
  /**
   * Resources that are watched, counted for each session and each listen stream by itself; `perSession` is also for one
   * listen stream. Default 200,000, of one principal 20,000, of one session 1,000.
   */
  subscriptions?: SessionLimitOptions
}

const defaults = {
  sessions: { total: 10_000, perPrincipal: 1_000 },
  streams: { total: 20_000, perPrincipal: 2_000 },
  requests: { total: 10_000, perPrincipal: 1_000, perSession: 1_000 },
  subscriptions: { total: 200_000, perPrincipal: 20_000, perSession: 1_000 },
} satisfies Required<LimitsOptions>

export type LimitedThing = keyof LimitsOptions
export type LimitScope = 'total' | 'perPrincipal' | 'perSession'

const tooMany: Record<LimitedThing, string> = {
  sessions: 'Too many sessions are open',
  streams: 'Too many streams are open',
  requests: 'Too many requests are in flight',
  subscriptions: 'Too many resources are watched',
}
const ofWhom: Record<LimitScope, string> = {
  total: 'in all',
  perPrincipal: 'for one principal',
  perSession: 'for one session or listen stream',
}

/** There are as many as there may be. */
export class LimitError extends Error {
  override readonly name = 'LimitError'
  /** Such as `sessions.perPrincipal`. */
  readonly limit: string
  readonly max: number
  /** The HTTP status that says so: whether it is the client who has too many, or the server. */
  readonly status: 429 | 503

  constructor(thing: LimitedThing, scope: LimitScope, max: number) {
    super(`${tooMany[thing]}: at most ${max} ${ofWhom[scope]} (limits.${thing}.${scope})`)
    this.limit = `${thing}.${scope}`
    this.max = max
    this.status = scope === 'total' ? 503 : 429
  }

  /** What a client is told. */
  toMcpError(code: number = errorCodes.invalidRequest): McpError {
    return new McpError(code, this.message, { data: { limit: this.limit, max: this.max } })
  }
}

/** How many there are of one thing, in all and of each principal, and how many there may be. */
export class Quota {
  readonly max: Readonly<Record<LimitScope, number>>
  /** How often one was refused, by the limit that was in the way. */
  readonly refused: Record<LimitScope, number> = { total: 0, perPrincipal: 0, perSession: 0 }
  readonly #thing: LimitedThing
  #used = 0
  readonly #usedBy = new Map<string, number>()

  /** @throws {TypeError} when a limit is no whole number of at least 1, nor Infinity. */
  constructor(thing: LimitedThing, options: SessionLimitOptions = {}) {
    this.#thing = thing
    this.max = { perSession: Infinity, ...defaults[thing], ...options }
    for (const [scope, max] of Object.entries(this.max)) {
      if (max === Infinity || (Number.isInteger(max) && max >= 1)) continue
      throw new TypeError(
        `limits.${thing}.${scope} must be a whole number of at least 1, or Infinity; got ${max}`,
      )
    }
  }

  /** How many there are. */
  get used(): number {
    return this.#used
  }

  /** The limit that stands in the way of so many more. */
  reached(principal: string | undefined, count = 1): LimitScope | undefined {
    if (count === 0) return undefined
    if (principal !== undefined && (this.#usedBy.get(principal) ?? 0) + count > this.max.perPrincipal)
      return 'perPrincipal'
    return this.#used + count > this.max.total ? 'total' : undefined
  }

  /** The error that says that a limit is reached; counted. */
  refuse(scope: LimitScope): LimitError {
    this.refused[scope]++
    return new LimitError(this.#thing, scope, this.max[scope])
  }

  /** @throws {LimitError} when there may not be so many more. */
  require(principal: string | undefined, count = 1): void {
    const reached = this.reached(principal, count)
    if (reached !== undefined) throw this.refuse(reached)
  }

  /** Counts so many more, whatever the limits. Each is to be released once. */
  add(principal: string | undefined, count = 1): void {
    this.#used += count
    if (principal !== undefined && count > 0) {
      this.#usedBy.set(principal, (this.#usedBy.get(principal) ?? 0) + count)
    }
  }

  /**
   * Counts so many more.
   *
   * @throws {LimitError} when there may not be.
   */
  take(principal: string | undefined, count = 1): void {
    this.require(principal, count)
    this.add(principal, count)
  }

  /** So many are no more. */
  release(principal: string | undefined, count = 1): void {
    this.#used -= count
    if (principal === undefined || count === 0) return
    const left = this.#usedBy.get(principal)! - count
    if (left > 0) this.#usedBy.set(principal, left)
    else this.#usedBy.delete(principal)
  }
}

/** What is limited on one mount. */
export type Limits = Readonly<Record<LimitedThing, Quota>>

/** @throws {TypeError} when a limit is none that could be. */
export function limitsOf(options: LimitsOptions = {}): Limits {
  return {
    sessions: new Quota('sessions', options.sessions),
    streams: new Quota('streams', options.streams),
    requests: new Quota('requests', options.requests),
    subscriptions: new Quota('subscriptions', options.subscriptions),
  }
}
