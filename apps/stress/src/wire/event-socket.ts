import { type IncomingHttpHeaders, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { reset } from '@tidings/testkit/reset'
import { type SseListener, SseStream } from '@tidings/testkit/sse-stream'

/** What opens an event stream. */
export interface EventRequest {
  method: 'GET' | 'POST'
  path: string
  headers?: Record<string, string> | undefined
  /** Sent as JSON. */
  body?: object | undefined
}

/** Told of what comes on an event stream. */
export interface EventListener extends SseListener {
  /** The response has begun. */
  opened(status: number, headers: IncomingHttpHeaders): void
  /** The connection is gone, or the response has come to its end. */
  closed(): void
}

/** An event stream on a connection of its own: so that it can be stalled, and cut, as a network would. */
export class EventSocket {
  readonly #socket: Socket
  #stream: SseStream | undefined

  constructor(port: number, { method, path, headers = {}, body }: EventRequest, listener: EventListener) {
    const socket = connect(port, '127.0.0.1')
    this.#socket = socket
    const sent = request({
      method,
      path,
      headers: {
        Accept: body === undefined ? 'text/event-stream' : 'application/json, text/event-stream',
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      createConnection: () => socket,
    })
    sent.on('error', () => {}) // 'close' follows
    sent.once('response', (response) => {
      this.#stream = new SseStream(response, listener)
      listener.opened(response.statusCode!, response.headers)
    })
    sent.once('close', () => listener.closed())
    sent.end(body && JSON.stringify(body))
  }

  /** Reads nothing any more: the socket fills up. */
  stall(): void {
    this.#stream?.stall()
  }

  goOn(): void {
    this.#stream?.goOn()
  }

  /** Gone: by a reset, or as one who closes. */
  cut(how: 'reset' | 'fin' = 'reset'): void {
    if (how === 'reset') reset(this.#socket)
    else this.#socket.destroy()
  }
}
