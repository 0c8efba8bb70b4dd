/** The revisions of the legacy era, with an `initialize` handshake and a session, oldest first. */
export const legacyRevisions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const

/** The revisions of the modern era, in which every request says all there is to know about it, oldest first. */
export const modernRevisions = ['2026-07-28'] as const

/** Every revision spoken, oldest first. */
export const revisions = [...legacyRevisions, ...modernRevisions] as const

/** A revision with an `initialize` handshake. */
export type LegacyRevision = (typeof legacyRevisions)[number]

/** A revision without one. */
export type ModernRevision = (typeof modernRevisions)[number]

/** A protocol revision: the version string of the MCP specification, a date. */
export type Revision = LegacyRevision | ModernRevision

/** The newest revision with an `initialize` handshake. */
export const latestLegacyRevision: LegacyRevision = '2025-11-25'

/** True when this package speaks the revision, and it is one with an `initialize` handshake. */
export function isLegacyRevision(version: string): version is LegacyRevision {
  return (legacyRevisions as readonly string[]).includes(version)
}

/** True when this package speaks the revision, and it is one without a handshake. */
export function isModernRevision(version: string): version is ModernRevision {
  return (modernRevisions as readonly string[]).includes(version)
}

/** True when this package speaks the revision. */
export function isRevision(version: string): version is Revision {
  return (revisions as readonly string[]).includes(version)
}

/**
 * The revision a server answers `initialize` with: the one the client asked for when it is spoken here and has a
 * handshake, the newest that has one otherwise (the client then decides whether it can go on).
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#version-negotiation
 */
export function negotiateRevision(requested: string): LegacyRevision {
  return isLegacyRevision(requested) ? requested : latestLegacyRevision
}
