import type { ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { Logger } from '../../logger.ts'
import { type AnyResponse, cutOff, isHttp2 } from './http2.ts'
import { bytesTaken } from './node-internals.ts'
import { isClosed } from './when-closed.ts'

interface WriteDeadlineOptions {
  /** The time that a reader may take nothing of what is written to it. */
  writeTimeoutMs: number
  /** The time without traffic after which TCP asks whether the other side is there. */
  keepAliveMs: number
  logger: Logger
}

/** What carries bytes to a reader at the reader's own pace: a connection, or over HTTP/2 a stream of one. */
type Carrier = Socket | ServerHttp2Stream

/** The progress of the reader of a carrier. */
interface Progress {
  /** The latest of our responses on it, while that is open. */
  response: AnyResponse | undefined
  taken: number
  /** The time in which nothing was taken of what waits, as far as this process was there to see it. */
  stuckMs: number
}

/**
 * Cuts connections whose reader has stopped reading, and lets TCP find those that are gone without a word. One timer looks
 * after all connections that have a response of ours open; there is none when there are none.
 */
export class WriteDeadline {
  /** The number of connections that were cut. */
  cuts = 0
  readonly #options: WriteDeadlineOptions
  readonly #carriers = new Map<Carrier, Progress>()
  /** The listener of all carriers: one of its own for each would cost memory that it holds for long. */
  readonly #onClose: (this: Carrier) => void
  #timer: NodeJS.Timeout | undefined
  #lookedAt = 0

  constructor(options: WriteDeadlineOptions) {
    this.#options = options
    const closed = (carrier: Carrier) => this.#closed(carrier)
    this.#onClose = function () {
      closed(this)
    }
  }

  /** Looks after the response, from now on until it is closed. */
  watch(response: AnyResponse): void {
    const carrier = isHttp2(response) ? response.stream : response.req.socket
    const progress = this.#carriers.get(carrier)
    if (progress !== undefined) {
      if (progress.response === undefined) progress.stuckMs = 0
      progress.response = response
      return
    }
    if (carrier.destroyed) return
    response.req.socket.setKeepAlive(true, this.#options.keepAliveMs)
    this.#carriers.set(carrier, { response, taken: 0, stuckMs: 0 })
    carrier.on('close', this.#onClose)
    if (this.#timer !== undefined) return
    this.#lookedAt = performance.now()
    this.#timer = setInterval(() => this.#look(), this.#lookMs).unref()
  }

  #closed(carrier: Carrier): void {
    this.#carriers.delete(carrier)
    if (this.#carriers.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  get #lookMs(): number {
    return Math.min(5_000, this.#options.writeTimeoutMs / 4)
  }

  #look(): void {
    const now = performance.now()
    const elapsed = now - this.#lookedAt
    this.#lookedAt = now
    // While this process stalls it writes nothing, so nobody can be blamed for taking nothing.
    const passed = elapsed > 2 * this.#lookMs ? 0 : elapsed
    for (const [carrier, progress] of this.#carriers) {
      const { response } = progress
      if (response === undefined) continue
      if (isClosed(response)) {
        // A connection may stay open for long, with the application's responses on it, which are not ours to cut.
        progress.response = undefined
        continue
      }
      const waitingBytes = carrier.writableLength
      const taken = isHttp2(response) ? -waitingBytes : bytesTaken(response.req.socket)
      if (waitingBytes === 0 || taken !== progress.taken) {
        progress.taken = taken
        progress.stuckMs = 0
      } else if ((progress.stuckMs += passed) >= this.#options.writeTimeoutMs) {
        this.cuts++
        this.#options.logger.info({ waitingBytes }, 'a reader that does not read is cut off')
        if (isHttp2(response)) cutOff(response)
        else response.req.socket.destroy()
      }
    }
  }
}
