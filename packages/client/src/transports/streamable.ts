import {
  headers as headerNames,
  isResponse,
  JSONRPC_VERSION,
  type JSONRPCMessage,
  type JSONRPCNotification,
  type JSONRPCRequest,
  type JSONRPCResponse,
  mediaTypes,
} from '@tidings/protocol'
import { ClosedError, ConnectionError, HttpError, ProtocolError, SessionGoneError } from '../errors.ts'
import { after, LinkedController, type Signal } from '../async/signals.ts'
import { endSession } from './end-session.ts'
import { EventStream } from './event-stream.ts'
import type { OpenStream } from '../http/http.ts'
import type { HttpResponse } from '../http/http-client.ts'
import { readAnswer } from './read-answer.ts'
import { readStart } from '../http/read-body.ts'
import type { Opened, SendOptions, Transport, TransportOptions } from './transport.ts'

// A server may open its stream without a sign, until it has something to say: it is not waited for.
const patienceMs = 1_000

/** What lasts from one `initialize` to the next. */
interface Session {
  /** What each request says of it. Without a session id it is the server's to be without sessions. */
  readonly headers: Record<string, string>
  /** Whether requests can be sent. */
  begun: boolean
  gone: boolean
  /** Whether the server has a stream of its own for it. */
  streams: boolean
  /** Aborted when what is in flight is lost with it. */
  readonly lost: LinkedController
}

/**
 * Streamable HTTP, the transport of revisions 2025-03-26 to 2025-11-25: each message is posted by itself, and a request
 * answered in the HTTP response, be it JSON or an event stream. One more stream is for what belongs to no request.
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
    this.#stream = new EventStream({
      ...options,
      onMessage: (message) => this.#received(message),
      onLost: (error) => options.listener.dropped(error),
    })
  }

  get retryMs(): number | undefined {
    return this.#stream.retryMs
  }

  get independent(): boolean {
    return this.#session.begun
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
    this.#options.listener.dropped(error)
  }

  async request(message: JSONRPCRequest, { signal, received }: SendOptions): Promise<JSONRPCResponse> {
    const session = this.#session
    const linked = new LinkedController(signal, session.lost.signal)
    try {
      const response = await this.#post(session, message, linked.signal)
      const { maxMessageLength, logger } = this.#options
      const answer = await readAnswer(response, message, {
        maxMessageLength,
        logger,
        signal: linked,
        received: received ?? ((other) => this.#received(other)),
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
      // Where there is no stream to be lost, this is how a server is seen to be away.
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

  /** Goes on with the stream of a response. */
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
   * Opens the stream anew, beside the one that was resumed: some servers send on a resumed stream what was missed, and
   * nothing else. A server for which it is the stream of the session opens no other.
   */
  async #listenBeside(session: Session, signal: Signal): Promise<void> {
    const get = (options: OpenStream) => this.#get(session, options)
    await this.#patiently(session, signal, this.#stream.openBeside(get, signal), (cause) => {
      if (this.#stream.isOpen) return
      throw new ConnectionError('The resumed stream ended, and the server opens no other', { cause })
    })
  }

  /** Waits for a stream to be opened, if not for long. What comes of it later is told the listener. */
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
        this.#options.listener.dropped(error)
      })
    let stop = () => {}
    const patience = new Promise<void>((resolve) => (stop = after(patienceMs, resolve)))
    await Promise.race([opened, patience]).finally(stop)
    late = true
  }

  /** Goes on with the session. Undefined when the server does not know it any more. */
  async #resume(session: Session, signal: Signal): Promise<Opened | undefined> {
    try {
      if (session.streams) {
        const get = (options: OpenStream) => this.#get(session, options)
        const isAsked = this.#stream.lastEventId !== undefined
        const recovered = await this.#stream.open(get, { resume: true, signal })
        if (isAsked && recovered === undefined) await this.#listenBeside(session, signal)
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

  #received(message: JSONRPCMessage): void {
    if (!isResponse(message)) this.#options.listener.message(message)
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

/** Takes from the response to `initialize` what each later request has to say. */
function initialized({ headers }: Session, response: HttpResponse, answer: JSONRPCResponse): void {
  const id = response.header(headerNames.sessionId.toLowerCase())
  if (id !== undefined) headers[headerNames.sessionId] = id
  const revision = 'result' in answer && answer.result['protocolVersion']
  if (typeof revision === 'string') headers[headerNames.protocolVersion] = revision
}

function hasStatus(error: unknown, ...statuses: number[]): error is HttpError {
  return error instanceof HttpError && statuses.includes(error.status)
}

/** True when the server has no stream to be opened. The specification says so by 405; not all servers do. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof HttpError)) return error instanceof ProtocolError
  const { status } = error
  return [204, 501].includes(status) || (status >= 400 && status < 500 && ![401, 403, 429].includes(status))
}
