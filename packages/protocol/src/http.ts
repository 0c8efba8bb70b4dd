/**
 * Names of the HTTP headers that are more than plain HTTP.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
 */
export const headers = {
  /** The session, from the response to `initialize` on. */
  sessionId: 'Mcp-Session-Id',
  /** The revision of the session, on every request after `initialize`. Since 2025-06-18. */
  protocolVersion: 'MCP-Protocol-Version',
  /** The last event a reader saw, when it opens its stream again. */
  lastEventId: 'Last-Event-ID',
  /** Tidings: `true` on a stream that goes on where the last one broke off, `false` on one that could not. */
  recovered: 'Tidings-Recovered',
} as const

/** The media types of MCP over HTTP. */
export const mediaTypes = {
  json: 'application/json',
  eventStream: 'text/event-stream',
} as const
