import { type CacheScope, isModernRevision } from '@tidings/protocol'
import { describe, requireWholeNumbers } from '../options.ts'
import type { Peer } from '../requests/peer.ts'

/**
 * How long, and for whom, a client may cache a result. Only clients of revision 2026-07-28 are told. A change notification
 * ends the time early.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/caching
 */
export interface CacheHint {
  /** Milliseconds for which the result counts as fresh, a whole number; 0 is not at all. */
  ttlMs: number
  /** `public` when the result is the same for all users; `private` otherwise. */
  cacheScope: CacheScope
}

const noCache: CacheHint = { ttlMs: 0, cacheScope: 'private' }

/** @throws {TypeError} when a hint is not valid. */
export function requireCacheHints(hints: Readonly<Record<string, CacheHint | undefined>>): void {
  for (const [name, hint] of Object.entries(hints)) {
    if (hint === undefined) continue
    requireWholeNumbers({ [`${name}.ttlMs`]: hint.ttlMs })
    if (hint.cacheScope === 'public' || hint.cacheScope === 'private') continue
    throw new TypeError(`${name}.cacheScope must be public or private, got ${describe(hint.cacheScope)}`)
  }
}

/** The hint for a peer. A peer of the legacy era gets none: it knows no hints. */
export function hintFor(peer: Peer, hint: CacheHint = noCache): CacheHint | undefined {
  return isModernRevision(peer.revision) ? hint : undefined
}
