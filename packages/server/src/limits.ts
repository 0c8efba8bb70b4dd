import { errorCodes, McpError } from '@tidings/protocol'

/** Limits on one kind of thing: whole numbers of at least 1. `Infinity` means no limit. */
export interface LimitOptions {
  /** The limit for all clients together. Past it, requests get status 503. */
  total?: number
  /** The limit for each principal, where the `principal` option identifies the caller. Past it, requests get status 429. */
  perPrincipal?: number
}

/** Limits on a kind of thing that one session can have many of. */
export interface SessionLimitOptions extends LimitOptions {
  /** The limit for each session. */
  perSession?: number
}

/** Limits on the use of a server. README.md explains the defaults. */
export interface LimitsOptions {
  /**
   * Open sessions. Past the limit, the session that was disconnected for longest is closed. If all are connected, the new
   * session is refused. Default 10,000, and 1,000 for each principal.
   */
  sessions?: LimitOptions
  /** Open event streams. Default 20,000, and 2,000 for each principal. */
  streams?: LimitOptions
  /** Requests in flight: their responses have not left yet. Default 10,000, and 1,000 for each principal and session. */
  requests?: SessionLimitOptions
  /**
   * Watched resources, counted for each session and each listen stream; `perSession` also limits a listen stream. Default
   * 200,000, 20,000 for each principal, and 1,000 for each session.
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
  readonly #thing: LimitedThing
  #used = 0
  readonly #usedBy = new Map<string, number>()

  /** @throws {TypeError} when a limit is neither a whole number of at least 1 nor Infinity. */
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

  /** The number there is now. */
  get used(): number {
    return this.#used
  }

  /** The limit that does not allow so many more. Undefined when all do. */
  reached(principal: string | undefined, count = 1): LimitScope | undefined {
    if (count === 0) return undefined
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

/** The quotas of one mount. */
export type Limits = Readonly<Record<LimitedThing, Quota>>

/** @throws {TypeError} when a limit is neither a whole number of at least 1 nor Infinity. */
export function limitsOf(options: LimitsOptions = {}): Limits {
  return {
    sessions: new Quota('sessions', options.sessions),
    streams: new Quota('streams', options.streams),
    requests: new Quota('requests', options.requests),
    subscriptions: new Quota('subscriptions', options.subscriptions),
  }
}
