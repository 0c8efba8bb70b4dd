/** The revisions of the legacy era, with an `initialize` handshake and a session, oldest first. */
export const legacyRevisions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const

/** The revisions of the modern era, without a session: every request stands alone. Oldest first. */
export const modernRevisions = ['2026-07-28'] as const

/** All supported revisions, oldest first. */
export const revisions = [...legacyRevisions, ...modernRevisions] as const

/** A revision with an `initialize` handshake. */
export type LegacyRevision = (typeof legacyRevisions)[number]

/** A revision without a handshake. */
export type ModernRevision = (typeof modernRevisions)[number]

/** A protocol revision: the version string of the MCP specification, a date. */
export type Revision = LegacyRevision | ModernRevision

/** The newest revision with an `initialize` handshake. */
export const latestLegacyRevision: LegacyRevision = '2025-11-25'

/** True for a supported revision with an `initialize` handshake. */
export function isLegacyRevision(version: string): version is LegacyRevision {
  return (legacyRevisions as readonly string[]).includes(version)
}

/** True for a supported revision without a handshake. */
export function isModernRevision(version: string): version is ModernRevision {
  return (modernRevisions as readonly string[]).includes(version)
}

/** True for a supported revision. */
export function isRevision(version: string): version is Revision {
  return (revisions as readonly string[]).includes(version)
}

/**
 * Returns the revision that a server answers `initialize` with: the requested one when it is supported and has a
 * handshake, otherwise the newest with a handshake. The client decides whether it can go on with that.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#version-negotiation
 */
export function negotiateRevision(requested: string): LegacyRevision {
  return isLegacyRevision(requested) ? requested : latestLegacyRevision
}
