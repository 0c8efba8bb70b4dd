import type { MessageStream } from '../../changes/message-stream.ts'
import type { Principal } from '../../requests/principal.ts'
import type { EventStreams, StreamSink } from '../outgoing/event-stream.ts'
import type { StreamOptions, TransportResponse } from '../transports/transport-response.ts'
import type { HomeMail } from './mail.ts'

/** Sends mail to the entry. */
export type SendToEntry = (mail: HomeMail, bytes?: Buffer) => void

/** The bytes that may be under way to a reader at another node. Past them the stream is full, as a socket would be. */
const maxUnderWayBytes = 64 * 1024

/** The response to a request that came to another node: it goes there as mail. */
export class RelayedResponse implements TransportResponse, StreamSink {
  readonly #send: SendToEntry
  readonly #streams: EventStreams
  readonly #headers: Record<string, string> = {}
  #begun = false
  #closed = false
  #underWay = 0
  #onDrained: (() => void) | undefined
  #onClosed: (() => void)[] = []

  constructor(send: SendToEntry, streams: EventStreams) {
    this.#send = send
    this.#streams = streams
  }

  get begun(): boolean {
    return this.#begun
  }

  get closed(): boolean {
    return this.#closed
  }

  set(name: string, value: string): void {
    this.#headers[name] = value
  }

  json(text: string, status = 200): void {
    this.#answer({ kind: 'answer', status, headers: this.#headers, hasBody: true }, Buffer.from(text))
  }

  empty(status: number, contentType?: string): void {
    const type = contentType === undefined ? {} : { contentType }
    this.#answer({ kind: 'answer', status, headers: this.#headers, hasBody: false, ...type })
  }

  stream(principal: Principal, { chunked = false }: StreamOptions = {}): MessageStream {
    this.#begun = true
    if (!this.#closed) this.#send({ kind: 'stream', headers: this.#headers, chunked })
    return this.#streams.open(this, principal)
  }

  write(text: string): boolean {
    if (this.#closed) return false
    const bytes = Buffer.from(text)
    this.#underWay += bytes.length
    this.#send({ kind: 'frames' }, bytes)
    return this.#underWay < maxUnderWayBytes
  }

  whenDrained(callback: () => void): void {
    this.#onDrained = callback
  }

  end(): void {
    if (this.#closed) return
    this.#send({ kind: 'end' })
    process.nextTick(() => this.left())
  }

  closeConnection(): void {
    // The connection is the entry's.
  }

  fail(error: unknown): void {
    throw error
  }

  cut(): void {
    if (this.#closed) return
    this.#send({ kind: 'cut' })
    this.left()
  }

  whenClosed(callback: () => void): void {
    if (this.#closed) process.nextTick(callback)
    else this.#onClosed.push(callback)
  }

  /** The reader has taken so many bytes. */
  taken(bytes: number): void {
    this.#underWay -= bytes
    const onDrained = this.#onDrained
    if (onDrained === undefined || this.#underWay >= maxUnderWayBytes || this.#closed) return
    this.#onDrained = undefined
    onDrained()
  }

  /** There is no reader any more. */
  left(): void {
    if (this.#closed) return
    this.#closed = true
    const callbacks = this.#onClosed
    this.#onClosed = []
    for (const callback of callbacks) callback()
  }

  #answer(mail: HomeMail, body?: Buffer): void {
    this.#begun = true
    if (this.#closed) return
    this.#send(mail, body)
    process.nextTick(() => this.left())
  }
}
