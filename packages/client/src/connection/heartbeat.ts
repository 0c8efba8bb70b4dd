import { after } from '../async/signals.ts'
import { ConnectionError } from '../errors.ts'
import type { Transport } from '../transports/transport.ts'

const lookEveryMs = 5_000
/** A server that has been silent for this long is sent a ping. */
const askAfterMs = 30_000
/** A server that has been silent for this long, in spite of a ping, is gone. */
const lostAfterMs = 60_000

/**
 * Detects that the server is gone when nothing reports it: after a sleep, a change of network or a lost NAT entry, a
 * dead connection looks like a quiet one. The pings also keep the stream open: Node's `fetch` closes one that is quiet
 * for five minutes.
 */
export class Heartbeat {
  readonly #transport: Pick<Transport, 'heardAt' | 'drop'>
  readonly #ping: (options: { timeoutMs: number }) => Promise<unknown>
  #asking = false
  #stop = () => {}

  /** @param ping sends a request that the server has to answer. */
  constructor(
    transport: Pick<Transport, 'heardAt' | 'drop'>,
    ping: (options: { timeoutMs: number }) => Promise<unknown>,
  ) {
    this.#transport = transport
    this.#ping = ping
  }

  start(): void {
    this.stop()
    this.#stop = after(lookEveryMs, () => this.#look())
  }

  stop(): void {
    this.#stop()
  }

  #look(): void {
    const { heardAt } = this.#transport
    if (heardAt === undefined) return
    const silentMs = Date.now() - heardAt
    if (silentMs >= lostAfterMs) {
      const seconds = Math.round(silentMs / 1_000)
      return this.#transport.drop(new ConnectionError(`Nothing was heard from the server for ${seconds} s`))
    }
    this.start()
    if (silentMs >= askAfterMs && !this.#asking) void this.#ask()
  }

  async #ask(): Promise<void> {
    this.#asking = true
    try {
      await this.#ping({ timeoutMs: lostAfterMs - askAfterMs })
    } catch {
      // Only a sign of life counts: the silence goes on and is noticed.
    } finally {
      this.#asking = false
    }
  }
}
