import {
  type JSONRPCNotification,
  type JSONRPCRequest,
  type JSONRPCResponse,
  mediaTypes,
} from '@tidings/protocol'
import type { Signal } from '../async/signals.ts'
import { asSessionGone } from '../errors.ts'
import type { OpenStream } from '../http/http.ts'
import { endSession } from './end-session.ts'
import { EventStream } from './event-stream.ts'
import { readAnswer } from './read-answer.ts'
import type { Opened, SendOptions, Transport, TransportOptions } from './transport.ts'

const headers = { accept: mediaTypes.json }

/**
 * The paired transport: one URL for the event stream and one for messages. The same `client_id` in both says that they
 * belong to one client. The HTTP response brings the answer to a request; the stream brings the server's requests and
 * notifications.
 */
export class PairedTransport implements Transport {
  readonly requestsNeedStream = true
  readonly #options: TransportOptions
  readonly #stream: EventStream
  readonly #streamUrl: URL
  readonly #messagesUrl: URL
  /** Counts the attempts to open it, so that a 404 of an earlier session does not end a newer one. */
  #opened = 0

  constructor(options: TransportOptions) {
    this.#options = options
    const clientId = randomSecret()
    this.#streamUrl = withClientId(options.url, clientId)
    this.#messagesUrl = withClientId(new URL(`mcp${options.url.search}`, options.url), clientId)
    this.#stream = new EventStream({ ...options, onLost: (error) => options.listener.lost(error) })
  }

  get heardAt(): number {
    return this.#stream.heardAt
  }

  get retryMs(): number | undefined {
    return this.#stream.retryMs
  }

  async open({ resume, signal }: { resume: boolean; signal: Signal }): Promise<Opened> {
    this.#opened++
    const { http } = this.#options
    const get = (options: OpenStream) => http.openStream(this.#streamUrl, options)
    const recovered = await this.#stream.open(get, { resume, signal })
    return recovered ? 'resumed' : 'new'
  }

  drop(error: Error): void {
    this.#stream.end()
    this.#options.listener.lost(error)
  }

  async request(message: JSONRPCRequest, { signal }: SendOptions): Promise<JSONRPCResponse> {
    const { http, maxMessageLength, logger, listener } = this.#options
    const url = this.#messagesUrl
    const opened = this.#opened
    try {
      const response = await http.post(url, message, { headers, signal })
      const reading = { url, maxMessageLength, logger, listener, signal, isInSession: true }
      return await readAnswer(response, message, reading)
    } catch (error) {
      throw this.#failed(opened, error)
    }
  }

  async notify(
    message: JSONRPCNotification | JSONRPCResponse,
    { signal }: { signal: Signal },
  ): Promise<void> {
    const opened = this.#opened
    try {
      await this.#options.http.deliver(this.#messagesUrl, message, { headers, signal })
    } catch (error) {
      throw this.#failed(opened, error)
    }
  }

  async close(): Promise<void> {
    this.#stream.end()
    await endSession(this.#options, this.#messagesUrl)
  }

  /** Returns the error of a request that has failed. When it shows that the session is gone, the connection is lost. */
  #failed(opened: number, error: unknown): unknown {
    const gone = asSessionGone(error)
    if (gone && opened === this.#opened) {
      this.#stream.forget()
      this.drop(gone)
    }
    return gone ?? error
  }
}

function withClientId(url: URL, clientId: string): URL {
  const copy = new URL(url)
  copy.searchParams.set('client_id', clientId)
  return copy
}

/** 128 random bits: the id gives access to the stream. A page loaded over plain HTTP has no `crypto.randomUUID`. */
function randomSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
