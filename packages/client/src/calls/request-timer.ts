import { after } from '../async/signals.ts'

/** The time limits of one request, in milliseconds. */
interface Limits {
  timeoutMs: number
  totalTimeoutMs: number
}

/** The two time limits of a request: since the last sign of life, and in total. */
export class RequestTimer {
  readonly #limits: Limits
  readonly #inbound: { readonly isServerWaiting: boolean }
  readonly #onExpired: (limit: string) => void
  readonly #beganAt = performance.now()
  /** Stops the timer of the limit that is reached first. */
  #stop!: () => void

  /**
   * @param inbound the requests of the server. While it waits for an answer to one, the shorter limit does not expire.
   * @param onExpired called with the limit that was reached, in words.
   */
  constructor(
    limits: Limits,
    inbound: { readonly isServerWaiting: boolean },
    onExpired: (limit: string) => void,
  ) {
    this.#limits = limits
    this.#inbound = inbound
    this.#onExpired = onExpired
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
    const { timeoutMs, totalTimeoutMs } = this.#limits
    const leftMs = totalTimeoutMs - (performance.now() - this.#beganAt)
    this.#stop =
      timeoutMs < leftMs
        ? after(timeoutMs, () =>
            this.#inbound.isServerWaiting ? this.#start() : this.#onExpired(`${timeoutMs} ms (timeoutMs)`),
          )
        : after(leftMs, () => this.#onExpired(`${totalTimeoutMs} ms (totalTimeoutMs)`))
  }
}
