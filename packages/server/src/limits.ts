import { ByteQuota } from './byte-quota.ts'
import { requireKnown } from './options.ts'
import { type LimitedThing, Quota } from './quota.ts'

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
  /**
   * Bytes held for clients: bodies of requests until these are answered, what a client says of itself, watched URIs, messages
   * that wait, and messages that are kept for `resumeWithinMs` after they were written. Past the limit, kept messages go, the
   * oldest first; then requests are refused, and a session for whose messages there is no room ends. `perSession` also limits
   * the messages that wait on the stream of a request. Default 201,326,592 (192 MiB), 50,331,648 (48 MiB) for each principal,
   * and 16,777,216 (16 MiB) for each session.
   */
  bytes?: SessionLimitOptions
}

const MiB = 1024 * 1024

const defaults = {
  sessions: { total: 10_000, perPrincipal: 1_000 },
  streams: { total: 20_000, perPrincipal: 2_000 },
  requests: { total: 10_000, perPrincipal: 1_000, perSession: 1_000 },
  subscriptions: { total: 200_000, perPrincipal: 20_000, perSession: 1_000 },
  bytes: { total: 192 * MiB, perPrincipal: 48 * MiB, perSession: 16 * MiB },
} satisfies Required<LimitsOptions>

/** The quotas of one mount. */
export type Limits = Readonly<Record<Exclude<LimitedThing, 'bytes'>, Quota>> & { readonly bytes: ByteQuota }

/** @throws {TypeError} when a limit is unknown, or neither a whole number of at least 1 nor Infinity. */
export function limitsOf(options: LimitsOptions = {}): Limits {
  requireKnown('limits', options, Object.keys(defaults))
  const quotas = Object.entries(defaults).map(([name, known]): [string, Quota] => {
    const thing = name as LimitedThing
    const given = options[thing] ?? {}
    requireKnown(`limits.${thing}`, given, Object.keys(known))
    const kind = thing === 'bytes' ? ByteQuota : Quota
    return [thing, new kind(thing, { perSession: Infinity, ...known, ...given })] as const
  })
  return Object.fromEntries(quotas) as Limits & Record<string, Quota>
}
