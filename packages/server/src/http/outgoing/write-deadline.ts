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
  since: number
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
      if (progress.response === undefined) progress.since = performance.now()
      progress.response = response
      return
    }
    if (socket.destroyed) return
    const { keepAliveMs, writeTimeoutMs } = this.#options
    socket.setKeepAlive(true, keepAliveMs)
    this.#connections.set(socket, { response, taken: 0, since: performance.now() })
    socket.on('close', this.#onClose)
    this.#timer ??= setInterval(() => this.#look(), Math.min(5_000, writeTimeoutMs / 4)).unref()
  }

  #closed(socket: Socket): void {
    this.#connections.delete(socket)
    if (this.#connections.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    const now = performance.now()
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
        progress.since = now
      } else if (now - progress.since >= this.#options.writeTimeoutMs) {
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
