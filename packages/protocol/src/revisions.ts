/** The protocol revisions with an `initialize` handshake and a session, oldest first. */
export const revisions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const

/** A protocol revision: the version string of the MCP specification, a date. */
export type Revision = (typeof revisions)[number]

/** The newest revision spoken. */
export const latestRevision: Revision = '2025-11-25'

/** True when this package speaks the revision. */
export function isRevision(version: string): version is Revision {
  return (revisions as readonly string[]).includes(version)
}

/**
 * The revision a server answers `initialize` with: the one the client asked for when it is spoken here, the newest
 * otherwise (the client then decides whether it can go on).
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#version-negotiation
 */
export function negotiateRevision(requested: string): Revision {
  return isRevision(requested) ? requested : latestRevision
}
