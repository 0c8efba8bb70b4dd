import { connect, type Socket } from 'node:net'
import { reset } from '../reset.ts'
import { EventParser, type WireEvent } from './event-parser.ts'
import { ResponseParser } from './response-parser.ts'

/** What opens an event stream. */
export interface EventRequest {
  method: 'GET' | 'POST'
  path: string
  headers?: Record<string, string> | undefined
  /** Sent as JSON. */
  body?: object | undefined
}

/** Told of what comes on an event stream. */
export interface EventListener {
  /** The response has begun. */
  opened(status: number, headers: ReadonlyMap<string, string>): void
  event(event: WireEvent): void
  comment?(comment: string): void
  /** The connection is gone, or the response has come to its end. */
  closed(): void
}

/** An event stream, read off a socket of its own: so that it can be stalled, and cut, as a network would. */
export class EventSocket {
  readonly #socket: Socket
  #closed = false

  constructor(port: number, { method, path, headers = {}, body }: EventRequest, listener: EventListener) {
    const json = body === undefined ? '' : JSON.stringify(body)
    const all = {
      Host: '127.0.0.1',
      Accept: body === undefined ? 'text/event-stream' : 'application/json, text/event-stream',
      ...(body !== undefined && {
        'Content-Type': 'application/json',
        'Content-Length': String(Buffer.byteLength(json)),
      }),
      ...headers,
    }
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
    const events = new EventParser({
      event: (event) => listener.event(event),
      comment: (comment) => listener.comment?.(comment),
    })
    const response = new ResponseParser({
      head: (status, headers) => listener.opened(status, headers),
      body: (bytes) => events.feed(bytes),
    })
    const socket = connect(port, '127.0.0.1')
    this.#socket = socket
    socket.on('error', () => {})
    socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${json}`)
    socket.on('data', (bytes: Buffer) => {
      response.feed(bytes)
      if (response.done) socket.destroy()
    })
    socket.once('close', () => {
      this.#closed = true
      listener.closed()
    })
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Reads nothing any more: the socket fills up. */
  stall(): void {
    this.#socket.pause()
  }

  goOn(): void {
    this.#socket.resume()
  }

  /** Gone: by a reset, or as one who closes. */
  cut(how: 'reset' | 'fin' = 'reset'): void {
    if (how === 'reset') reset(this.#socket)
    else this.#socket.destroy()
  }
}
