import { errorCodes, isLegacyRevision, McpError } from '@tidings/protocol'
import { HttpError, ProtocolError, RefusedError, RevisionError } from '../errors.ts'
import type { TransportName } from '../transports/transport.ts'

/** The number of servers whose transport is remembered. */
const maxEntries = 100

/** The transport that was found at each origin and path. */
const found = new Map<string, TransportName>()

/** From the newest to the oldest. */
const transports: readonly TransportName[] = ['stateless', 'streamable-http', 'http+sse']

/**
 * Opens the best transport of the server, by the rules of the specification. The result is remembered for the URL until
 * the process exits, and detected again when that transport fails.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#backward-compatibility
 */
export async function findTransport<T>(
  { origin, pathname }: URL,
  open: (transport: TransportName) => Promise<T>,
): Promise<T> {
  const key = origin + pathname
  const known = found.get(key)
  if (known) {
    try {
      return await open(known)
    } catch (error) {
      if (!mayHaveOtherTransport(error)) throw error
    }
  }
  const { transport, opened } = await tryEach(open)
  found.delete(key)
  found.set(key, transport)
  if (found.size > maxEntries) found.delete(found.keys().next().value!)
  return opened
}

/** Opens the best transport of the server, newest first. Throws the error of the attempt that says most. */
export async function tryEach<T>(
  open: (transport: TransportName) => Promise<T>,
): Promise<{ transport: TransportName; opened: T }> {
  let reason: unknown
  for (const transport of transports) {
    try {
      return { transport, opened: await open(transport) }
    } catch (error) {
      if (!mayHaveOtherTransport(error)) throw error
      // When the oldest transport is missing as well, the attempt before it has the better explanation.
      if (transport !== 'http+sse' || !(error instanceof HttpError)) reason = error
    }
  }
  throw reason
}

/** False when the server has said what is wrong, or is in trouble: another transport would not help. */
function mayHaveOtherTransport(error: unknown): boolean {
  if (error instanceof RevisionError) return error.supported.some(isLegacyRevision)
  if (error instanceof McpError) return !modernErrors.includes(error.code)
  if (error instanceof HttpError) {
    // Old servers answer a method or a verb that they do not know with 500 or 501, too.
    return error.status >= 400 && error.status <= 501 && ![401, 403, 408, 429].includes(error.status)
  }
  return error instanceof ProtocolError && !(error instanceof RefusedError)
}

/** Only a server of the modern era sends these, so an older transport would not help. */
const modernErrors: readonly number[] = [
  errorCodes.headerMismatch,
  errorCodes.missingRequiredClientCapability,
  errorCodes.unsupportedProtocolVersion,
]
