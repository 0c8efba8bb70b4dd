import { after } from '../async/signals.ts'

/** What a {@link RequestTimer} goes by. */
export interface RequestTimerOptions {
  timeoutMs: number
  totalTimeoutMs: number
  /** While true, the shorter time is not over: the server is waiting for us. */
  busy: () => boolean
}

/** The two times a request may take: since there was last a sign of life, and in all. */
export class RequestTimer {
  readonly #options: RequestTimerOptions
  readonly #expired: (limit: string) => void
  readonly #beganAt = performance.now()
  /** Of the time that is over first. */
  #stop!: () => void

  /** @param expired called with the time that is over, in words. */
  constructor(options: RequestTimerOptions, expired: (limit: string) => void) {
    this.#options = options
    this.#expired = expired
    this.#start()
  }

  restart(): void {
    this.#stop()
    this.#start()
  }

  stop(): void {
    this.#stop()
  }

  #start(): void {
    const { timeoutMs, totalTimeoutMs, busy } = this.#options
    const leftMs = totalTimeoutMs - (performance.now() - this.#beganAt)
    this.#stop =
      timeoutMs < leftMs
        ? after(timeoutMs, () => (busy() ? this.#start() : this.#expired(`${timeoutMs} ms (timeoutMs)`)))
        : after(leftMs, () => this.#expired(`${totalTimeoutMs} ms (totalTimeoutMs)`))
  }
}
