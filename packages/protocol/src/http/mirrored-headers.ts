import { errorCodes, McpError } from '../jsonrpc/errors.ts'

// Printable ASCII and tabs, with neither at an end where it would be trimmed. Empty would look like left out.
const plain = /^[!-~]([\t -~]*[!-~])?$/
const encoded = /^=\?base64\?(.*)\?=$/

/**
 * A value as it goes into an `Mcp-Name` or `Mcp-Param-` header: as it is, if it can be, else in base64. Half a surrogate
 * pair has no UTF-8: it goes as U+FFFD, which the server refuses, since it is not what the body has.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#value-encoding
 */
export function encodeHeaderValue(value: string): string {
  // Looser than the form of an encoded value: it is one already for a reader who checks both ends apart.
  const looksEncoded = value.startsWith('=?base64?') && value.endsWith('?=')
  if (plain.test(value) && !looksEncoded) return value
  let bytes = ''
  for (const byte of new TextEncoder().encode(value)) bytes += String.fromCharCode(byte)
  return `=?base64?${btoa(bytes)}?=`
}

/**
 * The value that an `Mcp-Name` or `Mcp-Param-` header stands for.
 *
 * @throws {McpError} `headerMismatch` when it holds what no header may, or base64 that is none, or is not of UTF-8.
 */
export function decodeHeaderValue(text: string): string {
  const base64 = encoded.exec(text)?.[1]
  if (base64 === undefined) {
    if (/^[\t -~]*$/.test(text)) return text
    throw malformed(text, 'a character that is not ASCII must be sent in base64')
  }
  try {
    const bytes = atob(base64)
    // atob passes over whitespace and missing padding.
    if (btoa(bytes) !== base64) throw new TypeError('Not in canonical form')
    // A byte order mark is a character of the value, as any other.
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

/** What can be mirrored in a header. */
export type HeaderValue = string | number | boolean

/**
 * True when a header, as it came, stands for the value in the body. Integers are compared as such: `42.0` is 42.
 *
 * @throws {McpError} `headerMismatch` when the header is malformed: see {@link decodeHeaderValue}.
 */
export function headerMatches(text: string, value: HeaderValue): boolean {
  const decoded = decodeHeaderValue(text)
  if (typeof value === 'number' && /^-?\d+(\.0+)?$/.test(decoded)) return Number(decoded) === value
  return decoded === String(value)
}

const mirrored = { 'tools/call': 'name', 'prompts/get': 'name', 'resources/read': 'uri' } as const

/** What the `Mcp-Name` header of a request mirrors; undefined when the request has no such header. */
export function nameOf(method: string, params: unknown): string | undefined {
  if (!Object.hasOwn(mirrored, method)) return undefined
  const name = valueAt(params, [mirrored[method as keyof typeof mirrored]])
  return typeof name === 'string' ? name : undefined
}

/** The value at the end of a path of own properties. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key)
        ? at[key as keyof typeof at]
        : undefined,
    value,
  )
}
