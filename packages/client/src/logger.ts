/** A structured logger of pino's shape: `logger.warn({ uri }, 'not subscribed')`. A pino instance is one. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

const nothing = () => {}

/** The default: says nothing. */
export const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
