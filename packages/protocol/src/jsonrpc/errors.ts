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
  /** Up to 2025-11-25: `resources/read` of an unknown URI. Since 2026-07-28 that is `invalidParams`. */
  resourceNotFound: -32002,
  /** 2025-11-25: the request needs a URL mode elicitation first; `data.elicitations` lists them. */
  urlElicitationRequired: -32042,
  /** Since 2026-07-28: a header of the HTTP request is missing, malformed, or differs from the body. */
  headerMismatch: -32020,
  /** Since 2026-07-28: the client lacks a capability that the request needs; `data.requiredCapabilities` lists it. */
  missingRequiredClientCapability: -32021,
  /**
   * Since 2026-07-28: the server does not support the revision of the request; `data.supported` lists its revisions.
   */
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
 * Returns the HTTP status of an error response, for a transport that answers in the HTTP response. A message that is
 * not JSON-RPC is an error of the HTTP request: 400. The error of a valid JSON-RPC request has status 200.
 */
export function httpStatus(code: number): number {
  return statusOfCode.get(code) ?? 200
}

/**
 * Returns the HTTP status of an error response in the modern era. Other than {@link httpStatus}, an unknown method is
 * 404. The code alone does not tell one more 400: `invalidParams` of a request whose `_meta` lacks a required field.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#protocol-version-header
 */
export function modernHttpStatus(code: number): number {
  return code === errorCodes.methodNotFound ? 404 : httpStatus(code)
}

/** Options of an {@link McpError}. */
export interface McpErrorOptions {
  /** The `data` of the JSON-RPC error. It is sent to the peer. */
  data?: unknown
  /** The cause of the error, for logs. It is never sent. */
  cause?: unknown
}

// A program may load this package as ES module and as CommonJS, or in two versions. The brand makes `instanceof` work between
// the copies.
const brand = Symbol.for('@tidings/protocol.McpError')

/**
 * A JSON-RPC error. Throw it in a handler to send it to the peer. The call of a client throws it when the server
 * answers with an error.
 *
 * @example throw new McpError(errorCodes.invalidParams, 'litres must be positive, got -2')
 */
export class McpError extends Error {
  override readonly name = 'McpError'
  /** The JSON-RPC error code. {@link errorCodes} has the codes of MCP. */
  readonly code: number
  readonly data: unknown

  /** @throws {TypeError} when the code is no whole number: a peer would take such a response for no response. */
  constructor(code: number, message: string, options: McpErrorOptions = {}) {
    if (!Number.isSafeInteger(code)) {
      throw new TypeError(
        `The code of an McpError must be a whole number, got ${String(code)} ("${message}")`,
      )
    }
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.data = options.data
    Object.defineProperty(this, brand, { value: true })
  }

  /**
   * Makes an error that may be sent to a peer from any thrown value. An McpError is returned as it is. Anything else
   * becomes "Internal error", with the original as `cause` for the log.
   */
  static from(thrown: unknown): McpError {
    if (thrown instanceof McpError) return thrown
    return new McpError(errorCodes.internalError, 'Internal error', { cause: thrown })
  }

  /** Returns the `error` member of a JSON-RPC error response. */
  toJSON(): { code: number; message: string; data?: unknown } {
    const { code, message, data } = this
    return data === undefined ? { code, message } : { code, message, data }
  }

  /** True for an McpError of any copy of this package that has all that a response needs. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return false
    try {
      // A class derived from this one is told apart as any other.
      if (this !== McpError) return Function.prototype[Symbol.hasInstance].call(this, value)
      if (!(brand in value)) return false
      const { code, message } = value as Partial<McpError>
      return Number.isSafeInteger(code) && typeof message === 'string'
    } catch {
      return false // a getter, or a proxy, that throws
    }
  }
}
