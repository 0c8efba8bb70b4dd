import {
  errorCodes,
  headers,
  isLegacyRevision,
  type LegacyRevision,
  McpError,
  type ParamsOf,
  parseMessage,
  type RequestId,
  type RequestToClient,
  type ResultOf,
} from '@tidings/protocol'
import type { Call } from '../../requests/call.ts'
import type { QuestionPath } from '../../requests/client-requests.ts'
import type { Outlet } from '../../requests/peer.ts'
import { Refusal, sessionNotFound } from '../../refusal.ts'
import type { Channel } from '../../sessions/channel.ts'
import type { Session } from '../../sessions/session.ts'
import type { ResolvedMountOptions } from '../options.ts'
import { hasTurn, lastEventId, openStream, requireStream } from './open-stream.ts'
import { Reply, type ReplyStream, type ResponseForms, responseForms } from './reply.ts'
import type { TransportRequest } from './transport-request.ts'
import type { TransportResponse } from './transport-response.ts'
import type { Transport, TransportContext } from './transport.ts'

const name = 'streamable-http'

/**
 * Revisions 2025-03-26 to 2025-11-25: a request is answered in its HTTP response, with JSON, or with a stream as soon as
 * something is sent before the answer. All other messages are on the session's stream.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
 */
export function streamable(context: TransportContext): Transport {
  const { dispatcher, sessions, options } = context
  const { keepSessions, retryMs } = options

  /** @throws {Refusal} when the request names no session, or one that is not there. */
  function sessionOf(request: TransportRequest): Session {
    const id = request.header(headers.sessionId)
    if (id) return sessions.require(id, request.principal, name)
    const message = `The header ${headers.sessionId} is missing: initialize first, and send the id of the response`
    throw new Refusal(400, message)
  }

  /** The session of a message: a new one for `initialize`, and for each message where there are no sessions. */
  function sessionFor(request: TransportRequest, response: TransportResponse): Session {
    if (!keepSessions) {
      const session = sessions.transient(request.principal)
      if (!isInitialize(request.body)) session.revision = revisionOf(request)
      return session
    }
    if (!isInitialize(request.body)) return sessionOf(request)
    const session = sessions.open(request.principal, name)
    response.set(headers.sessionId, session.id)
    return session
  }

  return {
    sessionOf(request) {
      return keepSessions && !isInitialize(request.body)
        ? request.header(headers.sessionId) || undefined
        : undefined
    },

    async open(request, response) {
      if (!keepSessions) throw new Refusal(405, 'This server has no sessions, and so no stream of one')
      revisionOf(request)
      const session = sessionOf(request)
      const eventId = lastEventId(request)
      const former = session.channelOf(eventId)
      if (former !== undefined && !(await hasTurn(context, session, former, response))) return
      const channel = session.channelOf(eventId)
      if (channel === undefined) throw new Refusal(400, 'The stream of this Last-Event-ID is no longer kept')
      requireStream(context, session, channel)
      const outcome = session.resume(channel, eventId)
      if (outcome === 'lost' && channel === session.channel) {
        session.end('messages were lost')
        throw sessionNotFound()
      }
      if (outcome === 'lost') channel.rewindToBeginning()
      if (channel === session.channel) session.ready()
      openStream(context, request, response, {
        session,
        channel,
        resumed: outcome === 'resumed',
        greeting: (id) => priming(session, id, retryMs),
      })
    },

    async receive(request, response, inFlight) {
      // Nothing is agreed on before: a client may send its own newest revision.
      if (!isInitialize(request.body)) revisionOf(request)
      const forms = responseForms(request, options.responses)
      const { body } = request
      // Checked before a session is opened for it.
      if (!Array.isArray(body)) parseMessage(body)
      const session = sessionFor(request, response)
      if (session.claimed !== undefined) await session.claimed
      // Nobody can come back for the answer.
      if (!keepSessions) response.whenClosed(() => session.end('The client is gone'))
      const reply = new SessionReply(response, forms, session, requestsIn(body), options)
      session.responseOpened()
      try {
        const answer = await dispatcher.receive(body, session, reply, inFlight)
        if (answer === undefined && !reply.hasStream) response.empty(202)
        else if (answer === undefined) reply.end()
        else if (forms.json && !reply.hasStream) response.json(answer.json)
        else reply.end(answer.json)
      } finally {
        session.responseEnded()
        if (isInitialize(body) && !session.isInitialized) session.end('initialize failed')
        if (!keepSessions) session.end('its request was answered')
      }
    },

    end(request, response) {
      if (!keepSessions) throw new Refusal(405, 'This server has no sessions to end')
      sessionOf(request).end('ended by its client')
      response.empty(204)
    },
  }
}

/** The HTTP response of a request of a session. */
class SessionReply extends Reply implements Outlet, QuestionPath {
  readonly #session: Session
  readonly #options: ResolvedMountOptions
  readonly #requests: readonly RequestId[]
  #channel: Channel | undefined

  constructor(
    response: TransportResponse,
    forms: ResponseForms,
    session: Session,
    requests: readonly RequestId[],
    options: ResolvedMountOptions,
  ) {
    super(response, forms)
    this.#session = session
    this.#requests = requests
    this.#options = options
  }

  request<M extends RequestToClient>(
    method: M,
    params: ParamsOf<M>,
    _key: string | undefined,
    call: Call,
  ): Promise<ResultOf<M>> {
    const path = this.forms.stream ? this : this.#session
    return this.#session.clientRequests.request(method, params, call, path)
  }

  isLost(askedAt: number, now: number): boolean {
    return this.#channel?.isLost(askedAt, now) ?? this.#session.ended
  }

  closeStream(): void {
    // Before 2025-11-25 a client does not expect it.
    const { keepSessions, retryMs } = this.#options
    if (this.#session.revision < '2025-11-25' || !keepSessions || !this.forms.stream) return
    if (this.stream !== undefined) this.#channel?.release(`retry: ${retryMs}\n\n`)
  }

  override send(json: string, mergeKey?: string): void {
    // A response that cannot be a stream leaves its messages to the stream of the session.
    if (this.forms.stream) super.send(json, mergeKey)
    else this.#session.send(json, mergeKey)
  }

  protected openStream(): ReplyStream | undefined {
    if (this.#session.ended) return undefined
    this.#channel = this.#session.openChannel(this.#requests)
    this.#channel.attach(this.response.stream(this.#session.principal, { chunked: true }), (id) =>
      priming(this.#session, id, this.#options.retryMs),
    )
    return this.#channel
  }
}

/** The first event of a stream, with an id and no data: a client can come back from there on. */
function priming({ revision }: Session, eventId: string, retryMs: number): string {
  // Clients of earlier revisions may take it for a message.
  const data = revision < '2025-11-25' ? '' : 'data: \n'
  return `retry: ${retryMs}\nid: ${eventId}\n${data}\n`
}

/** The ids of the requests in a body that may not have been checked. */
function requestsIn(body: unknown): RequestId[] {
  return [body].flat().flatMap((message) => {
    const { id, method } = (message ?? {}) as { id?: RequestId; method?: unknown }
    return id === undefined || method === undefined ? [] : [id]
  })
}

function isInitialize(body: unknown): boolean {
  return (body as { method?: unknown } | null)?.method === 'initialize'
}

/** @throws {McpError} `invalidRequest` when the header names a revision of another era. */
function revisionOf(request: TransportRequest): LegacyRevision {
  const version = request.header(headers.protocolVersion) || '2025-03-26'
  if (isLegacyRevision(version)) return version
  const known = 'name one of 2024-11-05 to 2025-11-25, or send the _meta of a later revision'
  throw new McpError(
    errorCodes.invalidRequest,
    `${headers.protocolVersion} ${version} is not served over Streamable HTTP: ${known}`,
  )
}
