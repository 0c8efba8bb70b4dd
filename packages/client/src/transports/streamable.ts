import {
  headers as headerNames,
  JSONRPC_VERSION,
  type JSONRPCMessage,
  type JSONRPCNotification,
  type JSONRPCRequest,
  type JSONRPCResponse,
  mediaTypes,
} from '@tidings/protocol'
import { after, LinkedController, type Signal } from '../async/signals.ts'
import { ClosedError, ConnectionError, HttpError, ProtocolError, SessionGoneError } from '../errors.ts'
import type { HttpResponse } from '../http/http-client.ts'
import type { OpenStream } from '../http/http.ts'
import { readStart } from '../http/read-body.ts'
import { endSession } from './end-session.ts'
import { EventStream } from './event-stream.ts'
import { readAnswer } from './read-answer.ts'
import type { Opened, SendOptions, Transport, TransportOptions } from './transport.ts'

// Some servers send the head of a stream only with the first event, so the client does not wait longer for it.
const patienceMs = 1_000

/** The state between one `initialize` and the next. */
interface Session {
  /** The headers of each request. A server without sessions gives no session id. */
  readonly headers: Record<string, string>
  /** Whether requests can be sent. */
  begun: boolean
  gone: boolean
  /** Whether the server has a stream for the session. */
  streams: boolean
  /** Aborted when the session is lost, and with it the requests in flight. */
  readonly lost: LinkedController
}

/**
 * Streamable HTTP, the transport of revisions 2025-03-26 to 2025-11-25. Each message is one POST, and the HTTP response
 * brings the answer to a request, as JSON or as an event stream. One more stream brings messages that belong to no
 * request.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
 */
export class StreamableTransport implements Transport {
  readonly heardAt = undefined
  readonly #options: TransportOptions
  readonly #stream: EventStream
  #session = newSession()

  constructor(options: TransportOptions) {
    this.#options = options
    this.#stream = new EventStream({ ...options, onLost: (error) => options.listener.lost(error) })
  }

  get retryMs(): number | undefined {
    return this.#stream.retryMs
  }

  get requestsNeedStream(): boolean {
    return !this.#session.begun
  }

  async open({ resume, signal }: { resume: boolean; signal: Signal }): Promise<Opened> {
    const session = this.#session
    const resumed = resume && !session.gone && (await this.#resume(session, signal))
    if (resumed) return resumed
    this.#stream.end()
    this.#session = newSession()
    session.begun = false
    session.lost.abort(new ConnectionError('The session was lost while the request was in flight'))
    return 'new'
  }

  drop(error: Error): void {
    this.#stream.end()
    this.#options.listener.lost(error)
  }

  async request(message: JSONRPCRequest, { signal }: SendOptions): Promise<JSONRPCResponse> {
    const session = this.#session
    const linked = new LinkedController(signal, session.lost.signal)
    try {
      const response = await this.#post(session, message, linked.signal)
      const { maxMessageLength, logger, listener } = this.#options
      const answer = await readAnswer(response, message, {
        maxMessageLength,
        logger,
        listener,
        signal: linked,
        reopen: (options) => this.#reopen(session, options),
      })
      if (message.method === 'initialize') initialized(session, response, answer)
      return answer
    } finally {
      linked.release()
    }
  }

  async notify(
    message: JSONRPCNotification | JSONRPCResponse,
    { signal }: { signal: Signal },
  ): Promise<void> {
    const session = this.#session
    await readStart(await this.#post(session, message, signal))
    if (!('method' in message && message.method === 'notifications/initialized')) return
    await this.#listen(session, signal)
    session.begun = true
  }

  async close(): Promise<void> {
    const { headers, lost } = this.#session
    this.#stream.end()
    lost.abort(new ClosedError('The client was closed'))
    if (headerNames.sessionId in headers) await endSession(this.#options, this.#options.url, headers)
  }

  async #post(session: Session, message: JSONRPCMessage, signal: Signal): Promise<HttpResponse> {
    try {
      return await this.#send(session, message, signal)
    } catch (error) {
      if (error instanceof SessionGoneError) this.#gone(session, error)
      // Without a stream that can break, a failed request is the only sign that the server is away.
      else if (error instanceof ConnectionError && session.begun && !session.streams) this.drop(error)
      throw error
    }
  }

  async #send({ headers }: Session, message: JSONRPCMessage, signal: Signal): Promise<HttpResponse> {
    const { http, url } = this.#options
    try {
      return await http.post(url, message, { headers, signal })
    } catch (error) {
      const inSession = headerNames.sessionId in headers
      throw error instanceof SessionGoneError && !inSession ? new HttpError(error.message, error) : error
    }
  }

  async #get(session: Session, options: OpenStream): Promise<HttpResponse> {
    const { http, url } = this.#options
    return http.openStream(url, { ...options, headers: session.headers })
  }

  /** Opens the stream of a response again. */
  async #reopen(session: Session, options: OpenStream): Promise<HttpResponse> {
    try {
      return await this.#get(session, options)
    } catch (error) {
      if (hasStatus(error, 404)) this.#gone(session, error)
      throw error
    }
  }

  /** Opens the stream of a session that has begun, if the server has one. */
  async #listen(session: Session, signal: Signal): Promise<void> {
    const get = (options: OpenStream) => this.#get(session, options)
    await this.#patiently(session, signal, this.#stream.open(get, { resume: false, signal }), (err) => {
      session.streams = false
      this.#options.logger.debug({ err }, 'the server has no stream for the session')
    })
  }

  /**
   * Opens a stream beside the one that was resumed. Some servers send only the missed messages on a resumed stream. For
   * others it is the stream of the session, and they refuse to open a second one.
   */
  async #listenBeside(session: Session, signal: Signal): Promise<void> {
    const get = (options: OpenStream) => this.#get(session, options)
    await this.#patiently(session, signal, this.#stream.openBeside(get, signal), (cause) => {
      if (this.#stream.isOpen) return
      throw new ConnectionError('The resumed stream ended, and the server opens no other', { cause })
    })
  }

  /** Waits a short time for a stream to open. The listener is told of a failure after that. */
  async #patiently(
    session: Session,
    signal: Signal,
    opening: Promise<unknown>,
    refused: (error: Error) => void,
  ): Promise<void> {
    let late = false
    const opened = opening
      .catch((error: Error) => {
        if (signal.aborted || session !== this.#session) return
        if (!isRefusal(error)) throw error
        refused(error)
      })
      .catch((error: Error) => {
        if (!late) throw error
        this.#options.listener.lost(error)
      })
    let stop = () => {}
    const patience = new Promise<void>((resolve) => (stop = after(patienceMs, resolve)))
    await Promise.race([opened, patience]).finally(stop)
    late = true
  }

  /** Resumes the session. Undefined when the server does not know it any more. */
  async #resume(session: Session, signal: Signal): Promise<Opened | undefined> {
    try {
      if (session.streams) {
        const get = (options: OpenStream) => this.#get(session, options)
        const hasAsked = this.#stream.lastEventId !== undefined
        const recovered = await this.#stream.open(get, { resume: true, signal })
        if (hasAsked && recovered === undefined) await this.#listenBeside(session, signal)
        return recovered ? 'resumed' : 'reopened'
      }
      const ping = { jsonrpc: JSONRPC_VERSION, id: 'ping', method: 'ping' } as const
      await readStart(await this.#send(session, ping, signal))
      return 'resumed'
    } catch (error) {
      if (hasStatus(error, 400, 404)) return undefined
      if (!hasStatus(error, 204, 405)) throw error
      session.streams = false
      return 'reopened'
    }
  }

  #gone(session: Session, error: Error): void {
    if (session.gone) return
    session.gone = true
    session.begun = false
    if (session === this.#session) this.drop(error)
  }
}

function newSession(): Session {
  return {
    headers: { accept: `${mediaTypes.json}, ${mediaTypes.eventStream}` },
    begun: false,
    gone: false,
    streams: true,
    lost: new LinkedController(),
  }
}

/** Takes the headers of each later request from the response to `initialize`. */
function initialized({ headers }: Session, response: HttpResponse, answer: JSONRPCResponse): void {
  const id = response.header(headerNames.sessionId.toLowerCase())
  if (id !== undefined) headers[headerNames.sessionId] = id
  const revision = 'result' in answer && answer.result['protocolVersion']
  if (typeof revision === 'string') headers[headerNames.protocolVersion] = revision
}

function hasStatus(error: unknown, ...statuses: number[]): error is HttpError {
  return error instanceof HttpError && statuses.includes(error.status)
}

/** True when the server has no stream to open. The status in the specification is 405; some servers send others. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof HttpError)) return error instanceof ProtocolError
  const { status } = error
  return [204, 501].includes(status) || (status >= 400 && status < 500 && ![401, 403, 429].includes(status))
}
