/**
 * The JSON-RPC error codes that MCP uses, by name.
 *
 * @see https://www.jsonrpc.org/specification#error_object
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/index#error-codes
 */
export const errorCodes = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  /** Up to 2025-11-25: `resources/read` of a URI the server does not have. Since 2026-07-28 that is `invalidParams`. */
  resourceNotFound: -32002,
  /** 2025-11-25: the request needs a URL mode elicitation first; `data.elicitations` lists them. */
  urlElicitationRequired: -32042,
  /** Since 2026-07-28: a header of the HTTP request is missing, malformed, or says other than the body. */
  headerMismatch: -32020,
  /** Since 2026-07-28: the client cannot do what the request needs; `data.requiredCapabilities` lists it. */
  missingRequiredClientCapability: -32021,
  /** Since 2026-07-28: the server does not speak the revision of the request; `data.supported` lists those it does. */
  unsupportedProtocolVersion: -32022,
} as const

const statusOfCode: ReadonlyMap<number, number> = new Map<number, number>([
  [errorCodes.parseError, 400],
  [errorCodes.invalidRequest, 400],
  [errorCodes.headerMismatch, 400],
  [errorCodes.missingRequiredClientCapability, 400],
  [errorCodes.unsupportedProtocolVersion, 400],
])

/**
 * The HTTP status an error is answered with when the transport answers in the HTTP response. A message that is not
 * JSON-RPC is the HTTP request's fault (400); an error that answers a JSON-RPC request travels in a 200.
 */
export function httpStatus(code: number): number {
  return statusOfCode.get(code) ?? 200
}

/**
 * The same for the modern era, in which also a method that the server does not have shows in the status (404). One
 * more is 400 there and not told by its code: `invalidParams` for a request whose `_meta` lacks what it must carry.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#protocol-version-header
 */
export function modernHttpStatus(code: number): number {
  return code === errorCodes.methodNotFound ? 404 : httpStatus(code)
}

/** What an {@link McpError} may carry besides its code and message. */
export interface McpErrorOptions {
  /** Sent to the peer as the JSON-RPC error's `data`. */
  data?: unknown
  /** What led to this error. For logs: never sent. */
  cause?: unknown
}

// One copy of this package may be loaded as ESM and another as CommonJS: a brand tells what `instanceof` cannot.
const brand = Symbol.for('@tidings/protocol.McpError')

/**
 * A JSON-RPC error: thrown by a handler it is what the peer is answered; thrown by a client's request it is what the
 * server answered.
 *
 * @example throw new McpError(errorCodes.invalidParams, 'litres must be positive, got -2')
 */
export class McpError extends Error {
  override readonly name = 'McpError'
  /** A JSON-RPC error code; the ones MCP defines are in {@link errorCodes}. */
  readonly code: number
  readonly data: unknown

  constructor(code: number, message: string, options: McpErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.data = options.data
    Object.defineProperty(this, brand, { value: true })
  }

  /**
   * What may be told to a peer about anything that was thrown: an McpError as it is, all else as "Internal error"
   * with the original kept as `cause` for the log.
   */
  static from(thrown: unknown): McpError {
    if (thrown instanceof McpError) return thrown
    return new McpError(errorCodes.internalError, 'Internal error', { cause: thrown })
  }

  /** The `error` member of a JSON-RPC error response. */
  toJSON(): { code: number; message: string; data?: unknown } {
    const { code, message, data } = this
    return data === undefined ? { code, message } : { code, message, data }
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value
  }
}
