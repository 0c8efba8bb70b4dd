import type { OnLeftOut } from '@tidings/protocol'
import { callUser } from './async/call-user.ts'

/**
 * A structured logger with the methods of pino: `logger.warn({ uri }, 'not subscribed')`. You can pass a pino logger.
 */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

const ignore = () => {}

/** The default logger. It writes nothing. */
export const silent: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }

/** Returns a function that warns of the parts of a message of the server that were left out because they are wrong. */
export function warnOfLeftOut(logger: Logger): OnLeftOut {
  return (problem, parts) => logger.warn({ leftOut: parts }, `${problem}: the wrong parts were left out`)
}

/** Returns a logger whose methods do not throw, so that an error of the user's logger changes nothing in the client. */
export function guarded(logger: Logger): Logger {
  const method =
    (level: keyof Logger) =>
    (fields: object, message: string): void =>
      callUser((given) => logger[level](given, message), fields, ignore, level)
  return { debug: method('debug'), info: method('info'), warn: method('warn'), error: method('error') }
}
