import { inspect } from 'node:util'

/** A structured logger with the methods of pino: `logger.info({ session }, 'session opened')`. A pino instance fits. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

const levels = ['debug', 'info', 'warn', 'error'] as const

/**
 * The logger, in a form that never throws: what a handler has thrown may not be fit for any logger, with getters that throw
 * themselves.
 *
 * @throws {TypeError} when the logger lacks a method.
 */
export function requireLogger(logger: Logger): Logger {
  for (const level of levels) {
    if (typeof logger?.[level] === 'function') continue
    throw new TypeError(`logger must have a method ${level}(fields, message), as a pino logger has`)
  }
  if (logger instanceof SafeLogger) return logger
  return new SafeLogger(logger)
}

class SafeLogger implements Logger {
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  debug(fields: object, message: string): void {
    this.#log('debug', fields, message)
  }

  info(fields: object, message: string): void {
    this.#log('info', fields, message)
  }

  warn(fields: object, message: string): void {
    this.#log('warn', fields, message)
  }

  error(fields: object, message: string): void {
    this.#log('error', fields, message)
  }

  #log(level: (typeof levels)[number], fields: object, message: string): void {
    try {
      this.#logger[level](fields, message)
    } catch {
      try {
        this.#logger[level]({}, `${message} (the logger failed at the details)`)
      } catch {
        // A logger that always throws: there is nobody left to tell.
      }
    }
  }
}

const nothing = () => {}

/**
 * The logger of a server that was given none: the first failure goes to stderr, with the means to see the rest. So a tool that
 * throws leaves a trace, and a client that makes it throw does not fill the disk.
 */
export function firstFailureOnly(): Logger {
  let isFirst = true
  return {
    debug: nothing,
    info: nothing,
    warn: nothing,
    error({ err, ...fields }: { err?: unknown }, message) {
      if (!isFirst) return
      isFirst = false
      const details = inspect(Object.keys(fields).length === 0 ? err : { ...fields, err })
      const hint = 'Only the first failure is shown. To see all: new McpServer(info, { logger: console })'
      process.stderr.write(`@tidings/server: ${message}: ${details}\n${hint}\n`)
    },
  }
}
