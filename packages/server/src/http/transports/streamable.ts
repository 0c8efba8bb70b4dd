import {
  errorCodes,
  headers,
  isLegacyRevision,
  JSONRPC_VERSION,
  type JSONRPCResponse,
  type LegacyRevision,
  McpError,
  type NotificationToClient,
  type ParamsOf,
  parseMessage,
  type RequestToClient,
  type ResultOf,
} from '@tidings/protocol'
import type { Context } from 'koa'
import { encodeResponse } from '../../requests/encode.ts'
import type { Outlet } from '../../requests/peer.ts'
import type { Channel } from '../../sessions/channel.ts'
import { parseEventId } from '../../sessions/event-id.ts'
import { Session } from '../../sessions/session.ts'
import type { Transport, TransportContext, Principal } from './transport.ts'
import { exchange } from '../../sessions/receive.ts'
import { refuse, refuseSession } from '../outgoing/refuse.ts'
import { accept, respondJson } from '../outgoing/respond.ts'
import { type ResponseForms, responseForms } from '../incoming/response-forms.ts'

/**
 * Revisions 2025-03-26 to 2025-11-25: a request is answered in its HTTP response, by JSON, or by a stream as soon as
 * something is sent before the answer; everything else is on the session's stream.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
 */
export function streamable(env: TransportContext): Transport {
  const { server, sessions, streams, limits, retryMs, keepSessions } = env

  /** The session that the request names. */
  function find(ctx: Context, principal: Principal): Session | undefined {
    const id = ctx.get(headers.sessionId)
    if (id === '') {
      refuse(
        ctx,
        400,
        `The header ${headers.sessionId} is missing: initialize first, and send what that gave`,
      )
      return undefined
    }
    const session = sessions.find(id, principal)
    if (session instanceof Session) return session
    refuseSession(ctx, session)
    return undefined
  }

  /** The session of a message: a new one for `initialize`, and for each message where there are no sessions. */
  function sessionFor(ctx: Context, principal: Principal, body: unknown): Session | undefined {
    if (!keepSessions) {
      const session = sessions.transient(principal)
      session.revision = revisionOf(ctx)
      return session
    }
    if (!isInitialize(body)) return find(ctx, principal)
    const session = sessions.open(principal)
    if (session instanceof Session) {
      ctx.set(headers.sessionId, session.id)
      return session
    }
    refuseSession(ctx, session)
    return undefined
  }

  return {
    sessionOf(ctx, body) {
      return keepSessions && !isInitialize(body) ? ctx.get(headers.sessionId) || undefined : undefined
    },

    open(ctx, principal) {
      if (!keepSessions) return refuse(ctx, 405, 'This server has no sessions, and so no stream of one')
      revisionOf(ctx)
      const session = find(ctx, principal)
      if (session === undefined) return
      const lastEventId = ctx.get(headers.lastEventId)
      const eventId = parseEventId(lastEventId)
      const ours = eventId?.session === session.key
      const channel = session.channelOf(ours ? eventId.channel : undefined)
      if (channel === undefined) return refuse(ctx, 400, 'The stream of this Last-Event-ID is no longer kept')
      if (!channel.attached) limits.streams.require(principal)
      const resumed = ours && channel.rewind(eventId)
      if (ours && !resumed && eventId.channel === undefined) {
        session.end('messages were lost')
        return refuseSession(ctx, 'unknown')
      }
      if (resumed) sessions.counts.resumed++
      // Of a client without an id, or whose id says nothing here, it is not known what it was told.
      else channel.rewindToBeginning()
      if (lastEventId !== '') ctx.set(headers.recovered, String(resumed))
      if (channel === session.channel) session.ready()
      channel.attach(streams.open(ctx, principal), (id) => priming(session, id, retryMs))
    },

    async receive(ctx, principal, body) {
      revisionOf(ctx)
      const forms = responseForms(ctx, env.responses)
      if (forms === undefined) return
      // Checked before a session is opened for it.
      if (!Array.isArray(body)) parseMessage(body)
      const session = sessionFor(ctx, principal, body)
      if (session === undefined) return
      if (session.claimed !== undefined) await session.claimed
      const reply = new Reply(ctx, session, forms, env)
      session.openResponses++
      try {
        const response = await exchange(body, session, server, reply)
        if (response === undefined) accept(ctx)
        else reply.end(response)
      } finally {
        session.openResponses--
        if (isInitialize(body) && session.clientInfo === undefined) session.end('initialize failed')
        if (!keepSessions) session.end('its request was answered')
      }
    },

    end(ctx, principal) {
      if (!keepSessions) return refuse(ctx, 405, 'This server has no sessions to end')
      const session = find(ctx, principal)
      if (session === undefined) return
      session.end('ended by its client')
      ctx.status = 204
    },
  }
}

/** What becomes the HTTP response of a request: JSON, unless something is to be sent before the answer. */
class Reply implements Outlet {
  readonly #ctx: Context
  readonly #session: Session
  readonly #forms: ResponseForms
  readonly #env: TransportContext
  #channel: Channel | undefined

  constructor(ctx: Context, session: Session, forms: ResponseForms, env: TransportContext) {
    this.#ctx = ctx
    this.#session = session
    this.#forms = forms
    this.#env = env
  }

  notify(method: NotificationToClient, params: object, mergeKey?: string): void {
    this.#open()?.send(JSON.stringify({ jsonrpc: JSONRPC_VERSION, method, params }), mergeKey)
  }

  ask<M extends RequestToClient>(
    method: M,
    params: ParamsOf<M>,
    _key: string | undefined,
    signal: AbortSignal,
  ): Promise<ResultOf<M>> {
    return this.#session.asks.ask(method, params, signal, (message) => {
      this.#open()?.send(JSON.stringify(message))
    })
  }

  closeStream(): void {
    // Before 2025-11-25 a client does not expect it.
    if (this.#session.revision < '2025-11-25' || !this.#env.keepSessions || !this.#forms.stream) return
    this.#open()?.release(`retry: ${this.#env.retryMs}\n\n`)
  }

  end(response: JSONRPCResponse | JSONRPCResponse[]): void {
    const json = encodeResponse(response, this.#env.logger)
    if (this.#channel === undefined && this.#forms.json) return respondJson(this.#ctx, json)
    const channel = this.#open()
    channel?.send(json)
    channel?.complete()
  }

  /** The stream that the request is answered by, from now on if not already. None when the session has ended. */
  #open(): Channel | undefined {
    if (this.#channel !== undefined || this.#session.ended) return this.#channel
    // Where the answer is no stream, the session has one, perhaps.
    if (!this.#forms.stream) return this.#session.channel
    this.#channel = this.#session.openChannel()
    const { streams, retryMs } = this.#env
    this.#channel.attach(streams.open(this.#ctx, this.#session.principal, { chunked: true }), (id) =>
      priming(this.#session, id, retryMs),
    )
    return this.#channel
  }
}

/** The first event of a stream, which has an id and no data: a client can come back from there on. */
function priming({ revision }: Session, eventId: string, retryMs: number): string {
  // Clients of earlier revisions may take it for a message.
  const data = revision < '2025-11-25' ? '' : 'data: \n'
  return `retry: ${retryMs}\nid: ${eventId}\n${data}\n`
}

function isInitialize(body: unknown): boolean {
  return (body as { method?: unknown } | null)?.method === 'initialize'
}

/** The revision of the header. Refuses one that is not of this era. */
function revisionOf(ctx: Context): LegacyRevision {
  const version = ctx.get(headers.protocolVersion) || '2025-03-26'
  if (isLegacyRevision(version)) return version
  const known = 'name one of 2024-11-05 to 2025-11-25, or send the _meta of a later revision'
  throw new McpError(
    errorCodes.invalidRequest,
    `${headers.protocolVersion} ${version} is not served so: ${known}`,
  )
}
