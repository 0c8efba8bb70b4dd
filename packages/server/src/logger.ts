/** A structured logger with the methods of pino: `logger.info({ session }, 'session opened')`. A pino instance fits. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** @throws {TypeError} when the logger lacks a method. */
export function requireLogger(logger: Logger): Logger {
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    if (typeof logger?.[level] === 'function') continue
    throw new TypeError(`logger must have a method ${level}(fields, message), as a pino logger has`)
  }
  return logger
}

const nothing = () => {}

/** The default: logs nothing. */
export const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
