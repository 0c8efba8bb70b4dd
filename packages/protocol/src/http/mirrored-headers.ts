import { errorCodes, McpError } from '../jsonrpc/errors.ts'

// Printable ASCII and tabs, without whitespace at the ends, where it would be trimmed. Empty looks like a missing
// header.
const plain = /^[!-~]([\t -~]*[!-~])?$/
const encoded = /^=\?base64\?(.*)\?=$/

/**
 * Encodes a value for an `Mcp-Name` or `Mcp-Param-` header: unchanged when a header can hold it, else in base64. A lone
 * surrogate has no UTF-8 and becomes U+FFFD; the server refuses it, because it differs from the body.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#value-encoding
 */
export function encodeHeaderValue(value: string): string {
  // Broader than the pattern of an encoded value: some readers check only the two ends.
  const looksEncoded = value.startsWith('=?base64?') && value.endsWith('?=')
  if (plain.test(value) && !looksEncoded) return value
  let bytes = ''
  for (const byte of new TextEncoder().encode(value)) bytes += String.fromCharCode(byte)
  return `=?base64?${btoa(bytes)}?=`
}

/**
 * Decodes the value of an `Mcp-Name` or `Mcp-Param-` header.
 *
 * @throws {McpError} `headerMismatch` for characters that a header cannot hold, and for base64 that is invalid or not
 * UTF-8.
 */
export function decodeHeaderValue(text: string): string {
  const base64 = encoded.exec(text)?.[1]
  if (base64 === undefined) {
    if (/^[\t -~]*$/.test(text)) return text
    throw malformed(text, 'a character that is not ASCII must be sent in base64')
  }
  try {
    const bytes = atob(base64)
    // atob accepts whitespace and missing padding.
    if (btoa(bytes) !== base64) throw new TypeError('Not in canonical form')
    // A byte order mark belongs to the value.
    const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    return utf8.decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)))
  } catch (cause) {
    throw malformed(
      text,
      'what is between =?base64? and ?= must be base64, with its padding, of UTF-8',
      cause,
    )
  }
}

function malformed(text: string, reason: string, cause?: unknown): McpError {
  const message = `Malformed header value ${JSON.stringify(text.slice(0, 100))}: ${reason}`
  return new McpError(errorCodes.headerMismatch, message, { cause })
}

/** A value that a header can mirror. */
export type HeaderValue = string | number | boolean

/**
 * True when a header as received has the value of the body. Integers are compared as numbers: `42.0` is 42.
 *
 * @throws {McpError} `headerMismatch` for a malformed header, like {@link decodeHeaderValue}.
 */
export function headerMatches(text: string, value: HeaderValue): boolean {
  const decoded = decodeHeaderValue(text)
  if (typeof value === 'number' && /^-?\d+(\.0+)?$/.test(decoded)) return Number(decoded) === value
  return decoded === String(value)
}

const mirrored = { 'tools/call': 'name', 'prompts/get': 'name', 'resources/read': 'uri' } as const

/** Returns the value of the `Mcp-Name` header of a request. Undefined when the request has no such header. */
export function nameOf(method: string, params: unknown): string | undefined {
  if (!Object.hasOwn(mirrored, method)) return undefined
  const name = valueAt(params, [mirrored[method as keyof typeof mirrored]])
  return typeof name === 'string' ? name : undefined
}

/** Returns the value at the end of a path of own properties. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key)
        ? at[key as keyof typeof at]
        : undefined,
    value,
  )
}
