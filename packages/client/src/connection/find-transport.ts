import { errorCodes, isLegacyRevision, McpError } from '@tidings/protocol'
import { HttpError, ProtocolError, RefusedError, RevisionError } from '../errors.ts'
import type { Door } from '../transports/transport.ts'

/** How many servers' doors are remembered. */
const most = 100

/** By origin and path: the door that was found there. */
const found = new Map<string, Door>()

/** From the newest to the oldest. */
const doors: readonly Door[] = ['stateless', 'streamable', 'http+sse']

/**
 * Opens the best door the server has, by the rules of the specification. Which one it is, is remembered for as long as
 * the process lives, and found out again when it is shut.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#backward-compatibility
 */
export async function findDoor<T>({ origin, pathname }: URL, open: (door: Door) => Promise<T>): Promise<T> {
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
  for (const door of doors) {
    try {
      const opened = await open(door)
      found.delete(place)
      found.set(place, door)
      if (found.size > most) found.delete(found.keys().next().value!)
      return opened
    } catch (error) {
      if (!leadsElsewhere(error)) throw error
      // When there is nothing behind the last door, it is the one before that says what is wrong.
      if (door !== 'http+sse' || !(error instanceof HttpError)) reason = error
    }
  }
  throw reason
}

/** True when the server may have another door. It may not when it has said what is wrong, or when it is in trouble. */
function leadsElsewhere(error: unknown): boolean {
  if (error instanceof RevisionError) return error.supported.some(isLegacyRevision)
  if (error instanceof McpError) return !modernErrors.includes(error.code)
  if (error instanceof HttpError) {
    return error.status >= 400 && error.status < 500 && ![401, 403, 408, 429].includes(error.status)
  }
  return error instanceof ProtocolError && !(error instanceof RefusedError)
}

/** By these a server is seen to be of the modern era: it would not do better by another door. */
const modernErrors: readonly number[] = [
  errorCodes.headerMismatch,
  errorCodes.missingRequiredClientCapability,
  errorCodes.unsupportedProtocolVersion,
]
