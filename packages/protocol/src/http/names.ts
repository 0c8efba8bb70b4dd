/**
 * Names of the HTTP headers that are more than plain HTTP.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#request-metadata
 */
export const headers = {
  /** The session, from the response to `initialize` on. Up to 2025-11-25. */
  sessionId: 'Mcp-Session-Id',
  /** The revision of the session, on every request after `initialize` (since 2025-06-18); since 2026-07-28 that of the request. */
  protocolVersion: 'MCP-Protocol-Version',
  /** The method of the request. Since 2026-07-28. */
  method: 'Mcp-Method',
  /** What the request is about: see `nameOf`. Since 2026-07-28. */
  name: 'Mcp-Name',
  /** How the headers begin that mirror arguments of a tool: see `paramHeaders`. Since 2026-07-28. */
  paramPrefix: 'Mcp-Param-',
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
