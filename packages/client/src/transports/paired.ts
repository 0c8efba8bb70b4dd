import {
  isResponse,
  type JSONRPCMessage,
  type JSONRPCNotification,
  type JSONRPCRequest,
  type JSONRPCResponse,
  mediaTypes,
  parseJson,
  parseMessage,
} from '@tidings/protocol'
import { ConnectionError, ProtocolError, SessionGoneError } from '../errors.ts'
import { endSession } from './end-session.ts'
import { EventStream } from './event-stream.ts'
import { mediaType } from './http.ts'
import { readAll, readStart } from './read-body.ts'
import type { Transport, TransportOptions } from './transport.ts'

/**
 * The paired door: an event stream and a URL for messages that are the same client's by the `client_id` both carry.
 * The response to a request is the HTTP response; the stream brings the server's requests and notifications.
 */
export class PairedTransport implements Transport {
  readonly #options: TransportOptions
  readonly #stream: EventStream
  readonly #streamUrl: URL
  readonly #messagesUrl: URL
  #opened = 0

  constructor(options: TransportOptions) {
    this.#options = options
    const clientId = randomSecret()
    this.#streamUrl = withClientId(options.url, clientId)
    this.#messagesUrl = withClientId(new URL(`mcp${options.url.search}`, options.url), clientId)
    this.#stream = new EventStream({
      ...options,
      onMessage: (message) => {
        if (!isResponse(message)) options.listener.message(message)
      },
      onLost: (error) => options.listener.dropped(error),
    })
  }

  get heardAt(): number {
    return this.#stream.heardAt
  }

  get retryMs(): number | undefined {
    return this.#stream.retryMs
  }

  async open({ resume, signal }: { resume: boolean; signal: AbortSignal }): Promise<{ resumed: boolean }> {
    this.#opened++
    const recovered = await this.#stream.open(this.#streamUrl, { resume, signal })
    return { resumed: recovered ?? false }
  }

  drop(error: Error): void {
    this.#stream.end()
    this.#options.listener.dropped(error)
  }

  async request(message: JSONRPCRequest, { signal }: { signal: AbortSignal }): Promise<JSONRPCResponse> {
    const response = await this.#post(message, signal)
    const text = await this.#read(response, signal)
    const answer = messageIn(text, response.headers.get('content-type'))
    if (answer && isResponse(answer) && (answer.id ?? message.id) === message.id) return answer
    const what = `POST ${this.#messagesUrl.pathname} answered ${message.method} with what is not its response`
    throw new ProtocolError(`${what}: ${text.slice(0, 200)}`)
  }

  async notify(
    message: JSONRPCNotification | JSONRPCResponse,
    { signal }: { signal: AbortSignal },
  ): Promise<void> {
    await readStart(await this.#post(message, signal))
  }

  async close(): Promise<void> {
    this.#stream.end()
    await endSession(this.#options, this.#messagesUrl)
  }

  async #post(message: JSONRPCMessage, signal: AbortSignal): Promise<Response> {
    const opened = this.#opened
    try {
      return await this.#options.http.post(this.#messagesUrl, message, { accept: mediaTypes.json, signal })
    } catch (error) {
      if (error instanceof SessionGoneError && opened === this.#opened) {
        this.#stream.forget()
        this.drop(error)
      }
      throw error
    }
  }

  async #read(response: Response, signal: AbortSignal): Promise<string> {
    try {
      return await readAll(response, this.#options.maxEventBytes)
    } catch (cause) {
      signal.throwIfAborted()
      if (cause instanceof ProtocolError) throw cause
      throw new ConnectionError('The response broke off', { cause })
    }
  }
}

function withClientId(url: URL, clientId: string): URL {
  const copy = new URL(url)
  copy.searchParams.set('client_id', clientId)
  return copy
}

function messageIn(text: string, contentType: string | null): JSONRPCMessage | undefined {
  if (mediaType(contentType) !== mediaTypes.json) return undefined
  try {
    return parseMessage(parseJson(text))
  } catch {
    // What it is instead is said by who wanted a message.
    return undefined
  }
}

/** 128 bits: whoever knows it reads this client's stream. randomUUID is not there on a page that came by plain HTTP. */
function randomSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
