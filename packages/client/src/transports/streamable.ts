import {
  errorCodes,
  headers as headerNames,
  JSONRPC_VERSION,
  type JSONRPCNotification,
  type JSONRPCRequest,
  type JSONRPCResponse,
  mediaTypes,
} from '@tidings/protocol'
import { Backoff } from '../async/reconnect.ts'
import { after, LinkedController, type Signal, wait } from '../async/signals.ts'
import {
  ClosedError,
  ConnectionError,
  goneStatuses,
  hasStatus,
  HttpError,
  isAboutSession,
  isBusy,
  ProtocolError,
  SessionGoneError,
} from '../errors.ts'
import type { HttpResponse } from '../http/http-client.ts'
import { isSuccess, type OpenStream } from '../http/http.ts'
import { endSession } from './end-session.ts'
import { EventStream, quietMs } from './event-stream.ts'
import { readAnswer } from './read-answer.ts'
import type { Opened, SendOptions, Transport, TransportOptions } from './transport.ts'

// Some servers send the head of a stream only with the first event, so the client does not wait longer for it.
const patienceMs = 1_000
/** The time that the head of a stream may take when a request that came after it was answered. */
const headAfterAnswerMs = 500
/** How often a stream is asked for again that was refused with an error which may pass. */
const maxLaterTries = 5
/** The statuses, other than those for it, with which servers refuse a request of a session that is gone. */
const refusals = [400, 401, 403]
/** The codes of an error that refuses a request before it runs: invalid request, and "session not found" of the SDKs. */
const notRun = [errorCodes.invalidRequest, -32001]

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
      return await this.#request(session, message, linked)
    } catch (error) {
      throw await this.#failed(session, linked, error)
    } finally {
      linked.release()
    }
  }

  async notify(
    message: JSONRPCNotification | JSONRPCResponse,
    { signal }: { signal: Signal },
  ): Promise<void> {
    const session = this.#session
    const { http, url } = this.#options
    const { headers } = session
    try {
      await http
        .deliver(url, message, { headers, signal })
        .catch((error: unknown) => this.#unsent(session, error))
    } catch (error) {
      throw await this.#failed(session, signal, error)
    }
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

  async #request(session: Session, message: JSONRPCRequest, signal: Signal): Promise<JSONRPCResponse> {
    const { http, url, maxMessageLength, logger, listener } = this.#options
    const { headers } = session
    const response = await http
      .post(url, message, { headers, signal })
      .catch((error: unknown) => this.#unsent(session, error))
    const answer = await readAnswer(response, message, {
      url,
      maxMessageLength,
      logger,
      listener,
      signal,
      isInSession: isKept(session),
      reopen: (options) => this.#reopen(session, options),
    })
    if (message.method === 'initialize') initialized(session, response, answer)
    else if (isKept(session) && 'error' in answer && isAboutSession(answer.error.message)) {
      const { code, message: body } = answer.error
      const gone = new SessionGoneError(`The server answered: ${body}`, { status: response.status, body })
      if (!(await this.#isGone(session, signal))) return answer
      this.#lose(session, gone)
      // With another code the request may have run.
      if (notRun.includes(code) || !isSuccess(response)) throw gone
    }
    return answer
  }

  /** A request could not be sent. */
  #unsent(session: Session, error: unknown): never {
    // Without a stream that can break, a failed request is the only sign that the server is away.
    if (error instanceof ConnectionError && session.begun && !session.streams) this.drop(error)
    throw error
  }

  /** Returns the error of a request that has failed. It may show that the session is gone. */
  async #failed(session: Session, signal: Signal, error: unknown): Promise<unknown> {
    if (!(error instanceof HttpError) || error instanceof SessionGoneError || !isKept(session)) return error
    const { status, body, message } = error
    const isGone =
      goneStatuses.includes(status) ||
      (refusals.includes(status) && isAboutSession(body) && (await this.#isGone(session, signal)))
    if (!isGone) return error
    const gone = new SessionGoneError(message, error)
    this.#lose(session, gone)
    return gone
  }

  /**
   * Asks the server whether it knows the session any more. An error that is about a session is no sign by itself: it may
   * be that of a tool, with sessions of its own.
   */
  async #isGone(session: Session, signal: Signal): Promise<boolean> {
    // Without an answer, the request has failed for its own reason.
    return !(await this.#isKnown(session, signal).catch(() => true))
  }

  /** Asks the server for a sign that it knows the session. */
  async #isKnown(session: Session, signal: Signal): Promise<boolean> {
    const { headers } = session
    const { http, url, maxMessageLength, logger, listener } = this.#options
    const ping = { jsonrpc: JSONRPC_VERSION, id: 'ping', method: 'ping' } as const
    try {
      const response = await http.post(url, ping, { headers, signal })
      const isInSession = isKept(session)
      const reading = { url, maxMessageLength, logger, listener, signal, isInSession }
      const answer = await readAnswer(response, ping, reading)
      return !('error' in answer && isAboutSession(answer.error.message))
    } catch (error) {
      if (!(error instanceof HttpError)) throw error
      const { status, body } = error
      const isGone = status === 400 || goneStatuses.includes(status)
      if (isGone || (refusals.includes(status) && isAboutSession(body))) return false
      throw error
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
      if (hasStatus(error, ...goneStatuses)) this.#lose(session, error)
      throw error
    }
  }

  /** Opens the stream of a session that has begun, if the server has one. */
  async #listen(session: Session, signal: Signal): Promise<void> {
    const get = (options: OpenStream) => this.#get(session, options)
    const opening = this.#stream.open(get, { resume: false, signal })
    await this.#patiently(session, signal, opening, (error) => this.#withoutStream(session, error))
  }

  /** Goes on without a stream of the session: the specification leaves it to the server whether it has one. */
  #withoutStream(session: Session, err: Error): void {
    session.streams = false
    const level = hasStatus(err, 405) ? 'debug' : 'warn'
    this.#options.logger[level]({ err }, 'the server opens no stream for the session: changes are not heard')
    // The rest ends with the session.
    if (mayPass(err)) void this.#listenLater(session, err).catch(() => {})
  }

  /** Tries a few times more to open a stream that a server in trouble has refused. */
  async #listenLater(session: Session, refusal: HttpError): Promise<void> {
    const backoff = new Backoff()
    const { signal } = session.lost
    for (let error = refusal, tries = 0; tries < maxLaterTries; tries++) {
      await backoff.pause({ livedMs: 0, retryAfterMs: error.retryAfterMs }, signal)
      try {
        const response = await this.#get(session, { signal })
        response.cancel()
        if (session.streams) return
        session.streams = true
        // Changes may have been missed. Connecting again opens the stream, and reads what is watched.
        return this.drop(new ConnectionError('The server opens the stream that it has refused before'))
      } catch (failed) {
        if (!(failed instanceof HttpError)) throw failed
        error = failed
      }
    }
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

  /**
   * Waits a short time for a stream to open, and goes on without an answer then. The listener is told of a failure after
   * that.
   *
   * @param refused called when the server does not open the stream.
   */
  async #patiently<T>(
    session: Session,
    signal: Signal,
    opening: Promise<T>,
    refused: (error: Error) => void,
  ): Promise<{ opened: T } | 'refused' | 'late'> {
    let late = false
    const outcome = opening
      .then(
        (opened) => ({ opened }),
        (error: Error) => {
          if (signal.aborted || session !== this.#session) return 'refused' as const
          if (!isRefusal(error)) throw error
          refused(error)
          return 'refused' as const
        },
      )
      .catch((error: Error) => {
        if (!late) throw error
        // Another stream may have taken its place.
        if (session === this.#session && !this.#stream.isOpen) this.#options.listener.lost(error)
        return 'refused' as const
      })
      .finally(() => stop())
    let stop = () => {}
    const patience = new Promise<'late'>((resolve) => {
      stop = after(patienceMs, () => {
        late = true
        // A stream without a head may be quiet or dead, like one with it.
        stop = after(quietMs, () => this.drop(new ConnectionError('The event stream is silent')))
        resolve('late')
      })
    })
    return Promise.race([outcome, patience])
  }

  /** Resumes the session. Undefined when the server does not know it any more. */
  async #resume(session: Session, signal: Signal): Promise<Opened | undefined> {
    if (!session.streams) return (await this.#isKnown(session, signal)) ? 'resumed' : undefined
    const get = (options: OpenStream) => this.#get(session, options)
    const hasAsked = this.#stream.lastEventId !== undefined
    const opening = this.#stream.open(get, { resume: true, signal })
    const refused = (error: Error) => {
      if (mayPass(error) || hasStatus(error, 400, ...goneStatuses)) throw error
      this.#withoutStream(session, error)
    }
    const outcome = await this.#patiently(session, signal, opening, refused).catch((error: unknown) => {
      if (hasStatus(error, 400, ...goneStatuses)) return 'gone' as const
      throw error
    })
    signal.throwIfAborted()
    if (outcome === 'gone') return undefined
    // The head of a stream may come with its first event only, and a server may have no stream any more. So it is the
    // response to a request that tells that the session goes on.
    if (typeof outcome === 'string') {
      if (!(await this.#isKnown(session, signal))) return undefined
      if (outcome === 'refused') return 'reopened'
      // Of several nodes, the one that has taken the session over answers both: the head may be on its way.
      const soon = wait(headAfterAnswerMs, signal).then(() => undefined)
      return (await Promise.race([opening.catch(() => undefined), soon])) ? 'resumed' : 'reopened'
    }
    if (hasAsked && outcome.opened === undefined) await this.#listenBeside(session, signal)
    return outcome.opened ? 'resumed' : 'reopened'
  }

  #lose(session: Session, error: Error): void {
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

/** Whether the server keeps the session: it has given it an id. */
function isKept({ headers }: Session): boolean {
  return headerNames.sessionId in headers
}

/** True when the server may open the stream a while later. */
function mayPass(error: unknown): error is HttpError {
  return isBusy(error) || hasStatus(error, 500)
}

/** True when the server does not open a stream. The status in the specification is 405; some servers send others. */
function isRefusal(error: unknown): boolean {
  return error instanceof HttpError || error instanceof ProtocolError
}
