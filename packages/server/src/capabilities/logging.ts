import { errorCodes, McpError } from '@tidings/protocol'
import type { MethodHandlers } from '../requests/method-handlers.ts'

/** The methods of the `logging` capability. The messages come from a handler's `log`. */
export const loggingMethods = {
  'logging/setLevel'({ level }, _context, { session }) {
    if (session === undefined)
      throw new McpError(errorCodes.invalidRequest, 'A log level is set for a session')
    session.logLevel = level
    return {}
  },
} satisfies MethodHandlers
