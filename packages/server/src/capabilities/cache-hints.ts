import { type CacheScope, isModernRevision } from '@tidings/protocol'
import type { Peer } from '../requests/peer.ts'

/**
 * How long, and for whom, a client may keep a result. Clients of the modern era are told; a change notification ends it
 * before its time.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/caching
 */
export interface CacheHint {
  /** Milliseconds in which it may be taken for fresh; 0 is not at all. */
  ttlMs: number
  /** `public` when it is the same for everybody. */
  cacheScope: CacheScope
}

const unkept: CacheHint = { ttlMs: 0, cacheScope: 'private' }

/** The hint as it is told to the peer: not at all to one of the legacy era, which knows none. */
export function hintFor(peer: Peer, hint: CacheHint = unkept): CacheHint | undefined {
  return isModernRevision(peer.revision) ? hint : undefined
}
