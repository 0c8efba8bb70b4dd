import {
  encodeHeaderValue,
  headers as headerNames,
  isNotification,
  isResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type JSONRPCResponse,
  mediaTypes,
  metaKeys,
  nameOf,
} from '@tidings/protocol'
import { ConnectionError } from '../errors.ts'
import { httpError, isSuccess, mediaType } from '../http/http.ts'
import type { HttpResponse } from '../http/http-client.ts'
import { messageIn, readAnswer, readText } from './read-answer.ts'
import type { Opened, SendOptions, Transport, TransportOptions } from './transport.ts'

// With these the response to the request may come.
const answers = [400, 404]

const accept = `${mediaTypes.json}, ${mediaTypes.eventStream}`

/**
 * The stateless transport, of revision 2026-07-28: each request is posted by itself, says all there is to know about it in
 * `_meta` and headers, and is answered in the HTTP response, be it JSON or an event stream.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http
 */
export class StatelessTransport implements Transport {
  readonly heardAt = undefined
  readonly independent = true
  retryMs: number | undefined
  readonly #options: TransportOptions

  constructor(options: TransportOptions) {
    this.#options = options
  }

  /** There is nothing to open, and nothing to go on with. */
  async open(): Promise<Opened> {
    return 'new'
  }

  drop(error: Error): void {
    this.#options.listener.dropped(error)
  }

  async request(message: JSONRPCRequest, options: SendOptions): Promise<JSONRPCResponse> {
    const { signal, received = (other) => this.#received(other) } = options
    const { listener } = this.#options
    const response = await this.#post(message, options).catch((error: unknown) => {
      // There is no stream to be lost: this is how a server is seen to be away.
      if (error instanceof ConnectionError) listener.dropped(error)
      throw error
    })
    const { maxMessageLength, logger } = this.#options
    const how = { maxMessageLength, logger, signal, received, onRetry: (ms: number) => (this.retryMs = ms) }
    if (isSuccess(response)) return readAnswer(response, message, how)
    const text = await readText(response, how)
    const answer = mediaType(response) === mediaTypes.json ? messageIn(text) : undefined
    const isAnswer = answer && isResponse(answer) && 'error' in answer
    if (isAnswer && (answer.id ?? message.id) === message.id) return answer
    throw httpError(`POST ${this.#options.url.href}`, response, text)
  }

  /** The revision has no notification to a server: there is nothing to send. */
  async notify(): Promise<void> {}

  /** There is nothing to end: each request has its own signal. */
  async close(): Promise<void> {}

  #post(message: JSONRPCRequest, { signal, headers }: SendOptions): Promise<HttpResponse> {
    const { http, url } = this.#options
    const name = nameOf(message.method, message.params)
    const mirrored = {
      ...headers,
      accept,
      [headerNames.protocolVersion]: String(message.params?._meta?.[metaKeys.protocolVersion]),
      [headerNames.method]: message.method,
      [headerNames.name]: name === undefined ? undefined : encodeHeaderValue(name),
    }
    return http.post(url, message, { headers: mirrored, answers, signal })
  }

  #received(message: JSONRPCMessage): void {
    const { listener, logger } = this.#options
    if (isNotification(message)) listener.message(message)
    else logger.warn({ message }, 'the server sent a request, which the revision does not have')
  }
}
