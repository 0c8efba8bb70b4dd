import { errorCodes, isLegacyRevision, McpError } from '@tidings/protocol'
import { HttpError, ProtocolError, RefusedError, RevisionError } from '../errors.ts'
import type { TransportName } from '../transports/transport.ts'

/** How many servers' transports are remembered. */
const most = 100

/** By origin and path: the transport that was found there. */
const found = new Map<string, TransportName>()

/** From the newest to the oldest. */
const transports: readonly TransportName[] = ['stateless', 'streamable-http', 'http+sse']

/**
 * Opens the best transport the server has, by the rules of the specification. Which one it is, is remembered for as long as
 * the process lives, and found out again when it is shut.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#backward-compatibility
 */
export async function findTransport<T>(
  { origin, pathname }: URL,
  open: (transport: TransportName) => Promise<T>,
): Promise<T> {
  const place = origin + pathname
  const known = found.get(place)
  if (known) {
    try {
      return await open(known)
    } catch (error) {
      if (!leadsElsewhere(error)) throw error
    }
  }
  let reason: unknown
  for (const transport of transports) {
    try {
      const opened = await open(transport)
      found.delete(place)
      found.set(place, transport)
      if (found.size > most) found.delete(found.keys().next().value!)
      return opened
    } catch (error) {
      if (!leadsElsewhere(error)) throw error
      // When there is nothing behind the last transport, it is the one before that says what is wrong.
      if (transport !== 'http+sse' || !(error instanceof HttpError)) reason = error
    }
  }
  throw reason
}

/** True when the server may have another transport. It may not when it has said what is wrong, or when it is in trouble. */
function leadsElsewhere(error: unknown): boolean {
  if (error instanceof RevisionError) return error.supported.some(isLegacyRevision)
  if (error instanceof McpError) return !modernErrors.includes(error.code)
  if (error instanceof HttpError) {
    return error.status >= 400 && error.status < 500 && ![401, 403, 408, 429].includes(error.status)
  }
  return error instanceof ProtocolError && !(error instanceof RefusedError)
}

/** By these a server is seen to be of the modern era: it would not do better by another transport. */
const modernErrors: readonly number[] = [
  errorCodes.headerMismatch,
  errorCodes.missingRequiredClientCapability,
  errorCodes.unsupportedProtocolVersion,
]
