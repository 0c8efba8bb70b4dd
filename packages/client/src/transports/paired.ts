import {
  isResponse,
  type JSONRPCMessage,
  type JSONRPCNotification,
  type JSONRPCRequest,
  type JSONRPCResponse,
  mediaTypes,
} from '@tidings/protocol'
import { SessionGoneError } from '../errors.ts'
import { endSession } from './end-session.ts'
import { EventStream } from './event-stream.ts'
import type { OpenStream } from '../http/http.ts'
import type { HttpResponse } from '../http/http-client.ts'
import { readAnswer } from './read-answer.ts'
import { readStart } from '../http/read-body.ts'
import type { Opened, SendOptions, Transport, TransportOptions } from './transport.ts'
import type { Signal } from '../async/signals.ts'

/**
 * The paired transport: an event stream and a URL for messages that are the same client's by the `client_id` both carry.
 * The response to a request is the HTTP response; the stream brings the server's requests and notifications.
 */
export class PairedTransport implements Transport {
  readonly independent = false
  readonly #options: TransportOptions
  readonly #stream: EventStream
  readonly #streamUrl: URL
  readonly #messagesUrl: URL
  #opened = 0
  readonly #received = (message: JSONRPCMessage) => {
    if (!isResponse(message)) this.#options.listener.message(message)
  }

  constructor(options: TransportOptions) {
    this.#options = options
    const clientId = randomSecret()
    this.#streamUrl = withClientId(options.url, clientId)
    this.#messagesUrl = withClientId(new URL(`mcp${options.url.search}`, options.url), clientId)
    this.#stream = new EventStream({
      ...options,
      onMessage: this.#received,
      onLost: (error) => options.listener.dropped(error),
    })
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
    this.#options.listener.dropped(error)
  }

  async request(message: JSONRPCRequest, { signal }: SendOptions): Promise<JSONRPCResponse> {
    const response = await this.#post(message, signal)
    return readAnswer(response, message, { ...this.#options, signal, received: this.#received })
  }

  async notify(
    message: JSONRPCNotification | JSONRPCResponse,
    { signal }: { signal: Signal },
  ): Promise<void> {
    await readStart(await this.#post(message, signal))
  }

  async close(): Promise<void> {
    this.#stream.end()
    await endSession(this.#options, this.#messagesUrl)
  }

  async #post(message: JSONRPCMessage, signal: Signal): Promise<HttpResponse> {
    const opened = this.#opened
    try {
      return await this.#options.http.post(this.#messagesUrl, message, {
        headers: { accept: mediaTypes.json },
        signal,
      })
    } catch (error) {
      if (error instanceof SessionGoneError && opened === this.#opened) {
        this.#stream.forget()
        this.drop(error)
      }
      throw error
    }
  }
}

function withClientId(url: URL, clientId: string): URL {
  const copy = new URL(url)
  copy.searchParams.set('client_id', clientId)
  return copy
}

/** 128 bits: whoever knows it reads this client's stream. randomUUID is not there on a page that came by plain HTTP. */
function randomSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
