import { createParser, type EventSourceMessage } from 'eventsource-parser'
import type { MessageStream, StreamWriter } from '../../../src/changes/message-stream.ts'
import { TransportRequest } from '../../../src/http/transports/transport-request.ts'
import type { TransportResponse } from '../../../src/http/transports/transport-response.ts'

/** A request as a transport sees it, without a socket. */
export class ModelRequest extends TransportRequest {
  readonly method: string
  readonly path: string
  readonly querystring: string
  readonly prefix = ''
  override readonly principal: string
  override readonly body: unknown
  readonly #headers: Headers

  constructor(
    principal: string,
    method: string,
    url: string,
    headers: Record<string, string> = {},
    body?: unknown,
  ) {
    super()
    const [path = '', querystring = ''] = url.split('?')
    this.method = method
    this.path = path
    this.querystring = querystring
    this.principal = principal
    this.body = body
    this.#headers = new Headers(headers)
  }

  header(name: string): string | undefined {
    return this.#headers.get(name) ?? undefined
  }

  readPrincipal(): string {
    return this.principal
  }

  readBody(): unknown {
    return this.body
  }
}

/** The response to it. */
export class ModelResponse implements TransportResponse {
  readonly #open: () => Wire
  readonly #headers = new Headers()
  status: number | undefined
  /** The JSON that it answers with; empty as long as there is none. */
  text = ''
  /** The stream that it answers with. */
  wire: Wire | undefined
  readonly closed = false

  constructor(open: () => Wire) {
    this.#open = open
  }

  get begun(): boolean {
    return this.status !== undefined
  }

  header(name: string): string | null {
    return this.#headers.get(name)
  }

  set(name: string, value: string): void {
    this.#headers.set(name, value)
  }

  json(text: string, status = 200): void {
    this.text = text
    this.status = status
  }

  empty(status: number): void {
    this.status = status
  }

  stream(): MessageStream {
    this.status = 200
    return (this.wire = this.#open())
  }

  closeConnection(): void {}

  fail(error: unknown): void {
    throw error
  }

  cut(): void {}

  whenClosed(): void {}
}

/** A connection that holds so many frames that its reader has not read; then it is full. */
export class Wire implements MessageStream {
  writer: StreamWriter | undefined
  /** Written, not read. */
  readonly inFlight: string[] = []
  readonly #holds: number
  #open = true

  constructor(holds: number) {
    this.#holds = holds
  }

  /** False once the server has ended it, or the reader has left. */
  get open(): boolean {
    return this.#open
  }

  get ready(): boolean {
    return this.#open && this.inFlight.length < this.#holds
  }

  write(frame: string): void {
    if (!this.#open) throw new Error('write after end')
    this.inFlight.push(frame)
  }

  end(): void {
    if (!this.#open) throw new Error('end after end')
    this.#open = false
    this.writer?.streamClosed(this)
  }

  /** Reads so many frames. */
  read(frames: number): EventSourceMessage[] {
    const wasFull = !this.ready
    const events: EventSourceMessage[] = []
    const parser = createParser({ onEvent: (event) => events.push(event) })
    for (const frame of this.inFlight.splice(0, frames)) parser.feed(frame)
    if (wasFull && this.ready) this.writer?.streamReady()
    return events
  }

  /** The connection is cut: what is in flight is lost. The server sees it, or not yet. */
  cut(seen: boolean): void {
    this.inFlight.length = 0
    if (!seen || !this.#open) return
    this.#open = false
    this.writer?.streamClosed(this)
  }
}
