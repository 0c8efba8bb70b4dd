import {
  errorCodes,
  isRequest,
  JSONRPC_VERSION,
  type JSONRPCRequest,
  type JSONRPCResponse,
  McpError,
  modernHttpStatus,
  type NotificationToClient,
  type ParamsOf,
  parseMessage,
  parseParams,
  type RequestToClient,
  type ResultOf,
} from '@tidings/protocol'
import type { Context } from 'koa'
import { encodeResponse } from '../../requests/encode.ts'
import { InputRounds } from '../../requests/input-rounds.ts'
import type { Outlet } from '../../requests/peer.ts'
import { RequestStates } from '../../requests/request-state.ts'
import type { StreamOwner } from '../../sessions/channel.ts'
import { Mailbox } from '../../sessions/mailbox.ts'
import { recovery, type Subscription } from '../../changes/listen-stream.ts'
import type { Transport, TransportContext, Principal } from './transport.ts'
import type { EventStream } from '../outgoing/event-stream.ts'
import { ModernPeer } from './modern-peer.ts'
import { refuse } from '../outgoing/refuse.ts'
import { accept, respondJson } from '../outgoing/respond.ts'
import { type ResponseForms, responseForms } from '../incoming/response-forms.ts'
import { whenClosed } from '../outgoing/when-closed.ts'

/** The transport of revision 2026-07-28, and the streams of changes that are open on it. */
export interface StatelessTransport extends Transport {
  readonly subscriptions: ReadonlySet<Subscription>
}

/**
 * Revision 2026-07-28: each request says all there is to know of its client and is answered in its HTTP response, by
 * JSON, or by a stream as soon as something is sent before the answer. Changes are on the stream of a
 * `subscriptions/listen` request.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http
 */
export function stateless(env: TransportContext): StatelessTransport {
  const { server, streams, limits } = env
  const states = new RequestStates(env.requestStateSecret)
  const subscriptions = new Set<Subscription>()

  function listen(ctx: Context, { id, method, params }: JSONRPCRequest, principal: Principal): void {
    const { notifications: filter, _meta } = parseParams(method as 'subscriptions/listen', params)
    const since = (_meta as Record<string, unknown> | undefined)?.[recovery.since]
    if (new Set(filter.resourceSubscriptions).size > limits.subscriptions.max.perSession) {
      throw limits.subscriptions.refuse('perSession').toMcpError(errorCodes.invalidParams)
    }
    limits.streams.require(principal)
    let watched: number
    const subscription = server.listen({ id, filter, since }, (resources) => {
      limits.subscriptions.take(principal, (watched = resources))
      return streams.open(ctx, principal)
    })
    subscriptions.add(subscription)
    subscription.onClose = () => {
      subscriptions.delete(subscription)
      limits.subscriptions.release(principal, watched)
    }
  }

  async function answer(
    ctx: Context,
    request: JSONRPCRequest,
    peer: ModernPeer,
    forms: ResponseForms,
  ): Promise<void> {
    const reply = new Reply(ctx, request, peer, new InputRounds(request, peer.principal, states), forms, env)
    const answered = server.answer(request, peer, reply)
    const { call } = peer
    if (call?.over === false) {
      whenClosed(ctx, () => {
        if (!call.over) call.abort(new DOMException('The client is gone', 'AbortError'))
      })
    }
    const response = await answered
    if (response !== undefined) reply.end(response)
    else if (ctx.respond !== false) accept(ctx)
  }

  return {
    subscriptions,

    sessionOf: () => undefined,

    open: (ctx) =>
      refuse(ctx, 405, 'Revision 2026-07-28 has no GET: changes are on a subscriptions/listen stream'),

    async receive(ctx, principal, body) {
      if (Array.isArray(body))
        throw new McpError(errorCodes.invalidRequest, 'Revision 2026-07-28 has no batches')
      const message = parseMessage(body)
      if (!isRequest(message)) {
        if ('method' in message) return accept(ctx)
        throw new McpError(
          errorCodes.invalidRequest,
          'A response is sent in inputResponses, with the request again',
        )
      }
      const forms = responseForms(ctx, env.responses)
      if (forms === undefined) return
      try {
        const peer = new ModernPeer(ctx, message, principal, env)
        if (message.method === 'subscriptions/listen') listen(ctx, message, principal)
        else await answer(ctx, message, peer, forms)
      } catch (thrown) {
        if (!(thrown instanceof McpError)) throw thrown
        ctx.status = 400
        ctx.body = { jsonrpc: JSONRPC_VERSION, id: message.id, error: thrown.toJSON() }
      }
    },

    end: (ctx) => refuse(ctx, 405, 'Revision 2026-07-28 has no sessions, and so no DELETE'),
  }
}

/** What becomes the HTTP response of a request: JSON, unless something is to be sent before the answer. */
class Reply implements Outlet, StreamOwner {
  readonly #ctx: Context
  readonly #request: JSONRPCRequest
  readonly #peer: ModernPeer
  readonly #inputs: InputRounds
  readonly #forms: ResponseForms
  readonly #env: TransportContext
  #stream: EventStream | undefined
  /** What waits for a reader that is slow; nothing is kept once it is written, since nobody can come back for it. */
  #mailbox: Mailbox | undefined
  #answered = false

  constructor(
    ctx: Context,
    request: JSONRPCRequest,
    peer: ModernPeer,
    inputs: InputRounds,
    forms: ResponseForms,
    env: TransportContext,
  ) {
    this.#ctx = ctx
    this.#request = request
    this.#peer = peer
    this.#inputs = inputs
    this.#forms = forms
    this.#env = env
  }

  notify(method: NotificationToClient, params: object, mergeKey?: string): void {
    if (!this.#forms.stream || this.#peer.call?.over) return
    this.#send(JSON.stringify({ jsonrpc: JSONRPC_VERSION, method, params }), mergeKey)
  }

  ask<M extends RequestToClient>(
    method: M,
    params: ParamsOf<M>,
    key: string | undefined,
  ): Promise<ResultOf<M>> {
    return this.#inputs.ask(method, params, key, this.#peer.call!)
  }

  streamReady(): void {
    this.#pump()
  }

  streamClosed(): void {
    // The request is aborted by then.
  }

  closeStream(): void {
    // A client of this revision cannot come back.
  }

  end(response: JSONRPCResponse): void {
    const json = encodeResponse(response, this.#env.logger)
    // An error is told by its status, too, as long as nothing else was.
    if (this.#stream === undefined && (this.#forms.json || 'error' in response)) {
      return respondJson(this.#ctx, json, 'error' in response ? modernHttpStatus(response.error.code) : 200)
    }
    this.#answered = true
    this.#send(json)
  }

  #send(json: string, mergeKey?: string): void {
    const stream = (this.#stream ??= this.#open())
    this.#mailbox ??= new Mailbox({ ...this.#env.sessions.mailboxLimits, keepMs: 0 })
    if (!this.#mailbox.post(`data: ${json}\n\n`, mergeKey)) {
      const { method } = this.#request
      this.#env.logger.warn({ session: this.#peer.label, method }, 'a reader is too slow for its request')
      stream.end('mailbox full')
      this.#peer.call?.abort(new DOMException('mailbox full', 'AbortError'))
      return
    }
    this.#pump()
  }

  #open(): EventStream {
    const stream = this.#env.streams.open(this.#ctx, this.#peer.principal, { chunked: true })
    stream.owner = this
    return stream
  }

  #pump(): void {
    const stream = this.#stream!
    while (stream.ready) {
      const mail = this.#mailbox!.take(0, 0)
      if (mail === undefined) {
        if (this.#answered) stream.end()
        break
      }
      stream.write(mail.data)
    }
    this.#mailbox!.trim(1)
  }
}
