import type { Logger } from '@tidings/server'

const nothing = () => {}

/** Writes warnings and failures. */
export const consoleLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: (fields, message) => console.warn(`@tidings/redis: ${message}`, fields),
  error: (fields, message) => console.error(`@tidings/redis: ${message}`, fields),
}
