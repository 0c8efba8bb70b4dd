import { after } from './signals.ts'

/** What a {@link RequestTimer} goes by. */
export interface RequestTimerOptions {
  timeoutMs: number
  totalTimeoutMs: number
  /** While true, the shorter time is not over: the server is waiting for us. */
  busy: () => boolean
}

/** The two times a request may take: since there was last a sign of life, and in all. */
export class RequestTimer {
  readonly #restart: () => void
  #stop = () => {}
  readonly #stopTotal: () => void

  /** @param expired called with the time that is over, in words. */
  constructor({ timeoutMs, totalTimeoutMs, busy }: RequestTimerOptions, expired: (limit: string) => void) {
    this.#restart = () => {
      this.#stop = after(timeoutMs, () => (busy() ? this.#restart() : expired(`${timeoutMs} ms (timeoutMs)`)))
    }
    this.#stopTotal = after(totalTimeoutMs, () => expired(`${totalTimeoutMs} ms (totalTimeoutMs)`))
    this.#restart()
  }

  restart(): void {
    this.#stop()
    this.#restart()
  }

  stop(): void {
    this.#stop()
    this.#stopTotal()
  }
}
