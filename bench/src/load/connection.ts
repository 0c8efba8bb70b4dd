import { connect, type Socket } from 'node:net'
import { ResponseReader, type ResponseReceiver } from './response-reader.ts'

// One for all sockets: what is read into it is dealt with before the next read.
const buffer = Buffer.allocUnsafe(512 * 1024)

/** A connection to a server of this machine, for one request at a time. */
export class Connection {
  readonly #socket: Socket
  readonly #reader = new ResponseReader()
  #closed = false

  /** @param onLost called when it is lost while a response is awaited or has not ended. */
  constructor(port: number, onLost: (error: Error) => void) {
    let reason = 'closed by the server'
    this.#socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer,
        callback: (bytes) => {
          this.#reader.feed(buffer, bytes)
          return true
        },
      },
    })
    this.#socket.on('error', (error) => (reason = error.message))
    this.#socket.once('close', () => {
      const wanted = !this.#closed
      this.#closed = true
      const isEnd = this.#reader.close()
      if (wanted && !isEnd && this.#reader.receiver !== undefined) {
        onLost(new Error(`A connection was lost: ${reason}`))
      }
    })
  }

  get closed(): boolean {
    return this.#closed
  }

  send(request: string, receiver: ResponseReceiver): void {
    this.#reader.receiver = receiver
    this.#socket.write(request, 'latin1')
  }

  /** No longer reads what arrives. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(): void {
    this.#closed = true
    this.#socket.destroy()
  }
}
