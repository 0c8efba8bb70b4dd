import {
  isRequest,
  type JSONRPCMessage,
  type JSONRPCNotification,
  type JSONRPCRequest,
  type JSONRPCResponse,
} from '@tidings/protocol'
import { Deferred } from '../async/deferred.ts'
import { abortable, LinkedController, type Signal } from '../async/signals.ts'
import {
  asSessionGone,
  ClosedError,
  ConnectionError,
  ProtocolError,
  RefusedError,
  type SessionGoneError,
} from '../errors.ts'
import { isSuccess, type OpenStream } from '../http/http.ts'
import { endSession } from './end-session.ts'
import { EventStream } from './event-stream.ts'
import { Pending } from './pending.ts'
import { readAnswer } from './read-answer.ts'
import type { Opened, SendOptions, Transport, TransportOptions } from './transport.ts'

/**
 * HTTP+SSE, the transport of revision 2024-11-05. One event stream brings everything from the server, and its first
 * event names the endpoint to post messages to.
 *
 * @see https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse
 */
export class HttpSseTransport implements Transport {
  readonly requestsNeedStream = true
  readonly #options: TransportOptions
  readonly #stream: EventStream
  readonly #pending = new Pending()
  readonly #closing = new LinkedController()
  /** The URL of the session, to post messages to. Undefined without a session. */
  #endpoint: URL | undefined
  /** Set while a stream is open that has not named its endpoint. */
  #opening: Deferred<URL> | undefined

  constructor(options: TransportOptions) {
    this.#options = options
    this.#stream = new EventStream({
      ...options,
      onResponse: (response) => this.#respond(response),
      onEvent: (type, data) => this.#event(type, data),
      onLost: (error) => this.#lost(error),
    })
  }

  get heardAt(): number {
    return this.#stream.heardAt
  }

  get retryMs(): number | undefined {
    return this.#stream.retryMs
  }

  async open({ resume, signal }: { resume: boolean; signal: Signal }): Promise<Opened> {
    const before = resume ? this.#endpoint : undefined
    const opening = (this.#opening = new Deferred<URL>())
    try {
      const { http, url } = this.#options
      const resumable = before !== undefined && this.#stream.lastEventId !== undefined
      const get = (options: OpenStream) => http.openStream(url, options)
      const recovered = await this.#stream.open(get, { resume: resumable, signal })
      const endpoint = await abortable(opening.promise, signal)
      // A server that does not say so has resumed when it names the same endpoint, and was told the last event id.
      const resumed = resumable && (recovered ?? endpoint.href === before.href)
      if (!resumed)
        this.#pending.rejectAll(new ConnectionError('The session was lost while the request was in flight'))
      return resumed ? 'resumed' : 'new'
    } catch (error) {
      this.#stream.end()
      this.#opening = undefined
      throw error
    }
  }

  drop(error: Error): void {
    this.#stream.end()
    this.#lost(error)
  }

  async request(message: JSONRPCRequest, { signal }: SendOptions): Promise<JSONRPCResponse> {
    const response = this.#pending.wait(message.id, signal)
    this.#post(message, signal).catch((error: unknown) => this.#pending.reject(message.id, error))
    return response
  }

  async notify(
    message: JSONRPCNotification | JSONRPCResponse,
    { signal }: { signal: Signal },
  ): Promise<void> {
    await this.#post(message, signal)
  }

  async close(): Promise<void> {
    const error = new ClosedError('The client was closed')
    this.#stream.end()
    this.#pending.rejectAll(error)
    this.#closing.abort(error)
    // A session ends with its stream, unless the server keeps it for a resume.
    if (this.#endpoint && this.#stream.lastEventId !== undefined)
      await endSession(this.#options, this.#endpoint)
  }

  async #post(message: JSONRPCMessage, signal: Signal): Promise<void> {
    const { http, maxMessageLength, logger, listener } = this.#options
    const url = this.#endpoint
    if (!url) throw new ConnectionError('There is no session to send on', { mayHaveRun: false })
    // The signal of a request is for its response, which may arrive before the POST is answered.
    const linked = new LinkedController(signal, this.#closing.signal)
    const how = { headers: { accept: '*/*' }, signal: linked.signal }
    try {
      if (!isRequest(message)) return await http.deliver(url, message, how)
      const response = await http.post(url, message, how)
      if (isSuccess(response)) return http.discard(response)
      const reading = { url, maxMessageLength, logger, listener, signal: linked, isInSession: true }
      this.#respond(await readAnswer(response, message, reading))
    } catch (error) {
      const gone = asSessionGone(error)
      if (gone && url === this.#endpoint) this.#gone(gone)
      throw gone ?? error
    } finally {
      linked.release()
    }
  }

  #respond(response: JSONRPCResponse): void {
    if (this.#pending.settle(response)) return
    this.#options.logger.debug({ id: response.id }, 'the server answered a request that is not in flight')
  }

  #event(type: string, data: string): void {
    if (type !== 'endpoint' || !this.#opening) return
    const opening = this.#opening
    const endpoint = URL.canParse(data, this.#options.url) ? new URL(data, this.#options.url) : undefined
    if (endpoint?.origin !== this.#options.url.origin) {
      const { origin } = this.#options.url
      const message = `The server named an endpoint of another origin than ${origin}: ${data.slice(0, 200)}`
      return opening.reject(new RefusedError(message, { mayHaveRun: false }))
    }
    // The stream is open from here on: a loss in this moment is not a failed attempt.
    this.#opening = undefined
    this.#endpoint = endpoint
    opening.resolve(endpoint)
  }

  #lost(error: Error): void {
    if (!this.#opening) return this.#options.listener.lost(error)
    const message = 'The event stream ended before its endpoint event'
    const early = new ProtocolError(message, { cause: error, mayHaveRun: false })
    this.#opening.reject(error instanceof ProtocolError ? error : early)
  }

  #gone(error: SessionGoneError): void {
    this.#endpoint = undefined
    this.#stream.forget()
    this.drop(error)
  }
}
