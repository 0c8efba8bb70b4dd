/**
 * The names of the HTTP headers of MCP.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#request-metadata
 */
export const headers = {
  /** The id of the session, from the response to `initialize` on. Up to 2025-11-25. */
  sessionId: 'Mcp-Session-Id',
  /**
   * The revision of the session, on each request after `initialize`. Since 2025-06-18; since 2026-07-28 of the request.
   */
  protocolVersion: 'MCP-Protocol-Version',
  /** The method of the request. Since 2026-07-28. */
  method: 'Mcp-Method',
  /** The name or URI in the request: see `nameOf`. Since 2026-07-28. */
  name: 'Mcp-Name',
  /** The prefix of the headers that mirror arguments of a tool: see `paramHeaders`. Since 2026-07-28. */
  paramPrefix: 'Mcp-Param-',
  /** The id of the last event that a reader received, when it opens its stream again. */
  lastEventId: 'Last-Event-ID',
  /** Tidings: `true` on a stream that resumes the previous one without loss, `false` on one that cannot. */
  recovered: 'Tidings-Recovered',
} as const

/** The media types of MCP over HTTP. */
export const mediaTypes = {
  json: 'application/json',
  eventStream: 'text/event-stream',
} as const
