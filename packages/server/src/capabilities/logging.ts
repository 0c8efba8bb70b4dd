import { errorCodes, type LoggingLevel, loggingLevels, McpError } from '@tidings/protocol'
import type { MethodHandlers } from '../requests/method-handlers.ts'

/** True when a message of the level is to be sent to a client that wants `wanted` and everything graver. */
export function isLoud(level: LoggingLevel, wanted: LoggingLevel): boolean {
  return loggingLevels.indexOf(level) >= loggingLevels.indexOf(wanted)
}

/** The methods of the `logging` capability. What is logged comes from a handler's `log`. */
export const loggingMethods = {
  'logging/setLevel'({ level }, _context, { session }) {
    if (session === undefined)
      throw new McpError(errorCodes.invalidRequest, 'A log level is set for a session')
    session.logLevel = level
    return {}
  },
} satisfies MethodHandlers
