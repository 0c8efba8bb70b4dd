import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Logger } from '../../logger.ts'
import { bytesTaken } from './node-internals.ts'

interface WriteDeadlineOptions {
  /** The time that a reader may take nothing of what is written to it. */
  writeTimeoutMs: number
  /** The time without traffic after which TCP asks whether the other side is there. */
  keepAliveMs: number
  logger: Logger
}

/** The progress of the reader of a connection. */
interface Progress {
  /** The latest of our responses on it, while that is open. */
  response: ServerResponse | undefined
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
  readonly #connections = new Map<Socket, Progress>()
  /** The listener of all connections: one of its own for each would cost memory that it holds for long. */
  readonly #onClose: (this: Socket) => void
  #timer: NodeJS.Timeout | undefined
  #lookedAt = 0

  constructor(options: WriteDeadlineOptions) {
    this.#options = options
    const closed = (socket: Socket) => this.#closed(socket)
    this.#onClose = function () {
      closed(this)
    }
  }

  /** Looks after the response, from now on until it is closed. */
  watch(response: ServerResponse): void {
    const { socket } = response.req
    const progress = this.#connections.get(socket)
    if (progress !== undefined) {
      if (progress.response === undefined) progress.stuckMs = 0
      progress.response = response
      return
    }
    if (socket.destroyed) return
    const { keepAliveMs } = this.#options
    socket.setKeepAlive(true, keepAliveMs)
    this.#connections.set(socket, { response, taken: 0, stuckMs: 0 })
    socket.on('close', this.#onClose)
    if (this.#timer !== undefined) return
    this.#lookedAt = performance.now()
    this.#timer = setInterval(() => this.#look(), this.#lookMs).unref()
  }

  #closed(socket: Socket): void {
    this.#connections.delete(socket)
    if (this.#connections.size > 0) return
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
    for (const [socket, progress] of this.#connections) {
      if (progress.response === undefined) continue
      if (progress.response.closed) {
        // A connection may stay open for long, with the application's responses on it, which are not ours to cut.
        progress.response = undefined
        continue
      }
      const taken = bytesTaken(socket)
      if (socket.writableLength === 0 || taken !== progress.taken) {
        progress.taken = taken
        progress.stuckMs = 0
      } else if ((progress.stuckMs += passed) >= this.#options.writeTimeoutMs) {
        this.cuts++
        this.#options.logger.info(
          { waitingBytes: socket.writableLength },
          'a reader that does not read is cut off',
        )
        socket.destroy()
      }
    }
  }
}
