import type { Logger } from '../../logger.ts'

const intervalMs = 60_000
const maxReasons = 20

/**
 * Logs why requests are turned away: each reason once a minute, and at most 20 of them. How many requests were turned away
 * without a line of their own is said by the next line.
 */
export class RefusalLog {
  readonly #logger: Logger
  readonly #logged = new Set<string>()
  #since = -Infinity
  #unlogged = 0

  constructor(logger: Logger) {
    this.#logger = logger
  }

  add(path: string, reason: string): void {
    const now = performance.now()
    if (now - this.#since >= intervalMs) {
      this.#logged.clear()
      this.#since = now
    }
    if (this.#logged.has(reason) || this.#logged.size >= maxReasons) {
      this.#unlogged++
      return
    }
    this.#logged.add(reason)
    this.#logger.warn({ path, ...(this.#unlogged > 0 && { unlogged: this.#unlogged }) }, reason)
    this.#unlogged = 0
  }
}
