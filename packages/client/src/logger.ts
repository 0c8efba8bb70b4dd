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
