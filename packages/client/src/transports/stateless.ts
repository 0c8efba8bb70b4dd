import {
  encodeHeaderValue,
  headers as headerNames,
  isNotification,
  type JSONRPCRequest,
  type JSONRPCResponse,
  mediaTypes,
  metaKeys,
  nameOf,
} from '@tidings/protocol'
import { ConnectionError } from '../errors.ts'
import type { HttpResponse } from '../http/http-client.ts'
import { readAnswer } from './read-answer.ts'
import type { Opened, SendOptions, ServerMessage, Transport, TransportOptions } from './transport.ts'

const accept = `${mediaTypes.json}, ${mediaTypes.eventStream}`

/**
 * The stateless transport, of revision 2026-07-28. Each request is one POST that carries everything the server has to
 * know in `_meta` and in headers. The HTTP response brings the answer, as JSON or as an event stream.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http
 */
export class StatelessTransport implements Transport {
  readonly heardAt = undefined
  readonly requestsNeedStream = false
  retryMs: number | undefined
  readonly #options: TransportOptions

  constructor(options: TransportOptions) {
    this.#options = options
  }

  /** Does nothing: there is no connection to open, and no session to resume. */
  async open(): Promise<Opened> {
    return 'new'
  }

  drop(error: Error): void {
    this.#options.listener.lost(error)
  }

  async request(message: JSONRPCRequest, options: SendOptions): Promise<JSONRPCResponse> {
    const { url, maxMessageLength, logger } = this.#options
    const { signal, isExpected } = options
    const response = await this.#post(message, options)
    const listener = { message: (other: ServerMessage) => this.#receive(other, isExpected) }
    const onRetry = (retryMs: number) => (this.retryMs = retryMs)
    return readAnswer(response, message, { url, maxMessageLength, logger, signal, listener, onRetry })
  }

  /** Does nothing: the revision has no notification to a server. */
  async notify(): Promise<void> {}

  /** Does nothing: each request ends with its own signal. */
  async close(): Promise<void> {}

  async #post(message: JSONRPCRequest, { signal, headers }: SendOptions): Promise<HttpResponse> {
    const { http, url } = this.#options
    const name = nameOf(message.method, message.params)
    const mirrored = {
      ...headers,
      accept,
      [headerNames.protocolVersion]: String(message.params?._meta?.[metaKeys.protocolVersion]),
      [headerNames.method]: message.method,
      [headerNames.name]: name === undefined ? undefined : encodeHeaderValue(name),
    }
    try {
      return await http.post(url, message, { headers: mirrored, signal })
    } catch (error) {
      // Without a stream that can break, a failed request is the only sign that the server is away.
      if (error instanceof ConnectionError) this.drop(error)
      throw error
    }
  }

  #receive(message: ServerMessage, isExpected?: SendOptions['isExpected']): void {
    const { listener, logger } = this.#options
    if (isExpected && !isExpected(message)) return
    if (isNotification(message)) listener.message(message)
    else logger.warn({ message }, 'the server sent a request, which revision 2026-07-28 does not have')
  }
}
