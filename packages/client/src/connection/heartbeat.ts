import { ConnectionError } from '../errors.ts'
import { after } from '../async/signals.ts'

const lookEveryMs = 5_000
/** A server that was not heard for this long is asked. */
const askAfterMs = 30_000
/** A server that was not heard for this long, though asked, is not there. */
const lostAfterMs = 60_000

/** What a {@link Heartbeat} is made with. */
export interface HeartbeatOptions {
  /** Undefined where silence says nothing. */
  heardAt: () => number | undefined
  /** Has the server say something. */
  ping: (options: { timeoutMs: number }) => Promise<unknown>
  /** Called when the server is silent. */
  silent: (error: Error) => void
}

/**
 * Finds out that the server is gone when nothing says so: after a sleep, a change of network or a lost NAT entry, a
 * dead connection looks like a quiet one. It also keeps a stream from being closed for being quiet, which a `fetch` of Node
 * does after five minutes.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions
  #asking = false
  #stop = () => {}

  constructor(options: HeartbeatOptions) {
    this.#options = options
  }

  start(): void {
    this.stop()
    this.#stop = after(lookEveryMs, () => this.#look())
  }

  stop(): void {
    this.#stop()
  }

  #look(): void {
    const { heardAt, silent } = this.#options
    const at = heardAt()
    if (at === undefined) return
    const silentMs = Date.now() - at
    if (silentMs >= lostAfterMs) {
      const seconds = Math.round(silentMs / 1_000)
      return silent(new ConnectionError(`Nothing was heard from the server for ${seconds} s`))
    }
    this.start()
    if (silentMs >= askAfterMs && !this.#asking) void this.#ask()
  }

  async #ask(): Promise<void> {
    this.#asking = true
    try {
      await this.#options.ping({ timeoutMs: lostAfterMs - askAfterMs })
    } catch {
      // Whether it is heard from is what counts: silence goes on to be noticed.
    } finally {
      this.#asking = false
    }
  }
}
