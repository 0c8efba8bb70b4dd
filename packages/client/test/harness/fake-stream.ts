import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** The server's side of one event stream. */
export class FakeStream {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly closed: Promise<unknown>

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request
    this.response = response
    this.closed = once(response, 'close')
  }

  get lastEventId(): string | undefined {
    return this.request.headers['last-event-id'] as string | undefined
  }

  /** Opens it as an event stream. */
  open(headers: Record<string, string> = {}): this {
    this.response.writeHead(200, { 'content-type': 'text/event-stream', ...headers })
    this.response.flushHeaders()
    return this
  }

  raw(bytes: string | Uint8Array): void {
    // A server cannot write after the end of its stream either.
    if (!this.response.writableEnded) this.response.write(bytes)
  }

  event(type: string, data: string, id?: string): void {
    this.raw(`event: ${type}\n${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`)
  }

  endpoint(path: string, id?: string): void {
    this.event('endpoint', path, id)
  }

  message(message: object, id?: string): void {
    this.event('message', JSON.stringify({ jsonrpc: '2.0', ...message }), id)
  }

  /** Cuts the connection, as a network does. */
  cut(): void {
    this.response.socket?.destroy()
  }

  end(): void {
    this.response.end()
  }
}
