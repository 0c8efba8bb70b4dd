import {
  errorCodes,
  isRequest,
  type JSONRPCRequest,
  McpError,
  modernHttpStatus,
  type ParamsOf,
  parseMessage,
  parseParams,
  recovery,
  type RequestToClient,
  type ResultOf,
} from '@tidings/protocol'
import { Holding } from '../../byte-quota.ts'
import { ListenStream } from '../../changes/listen-stream.ts'
import { Refusal } from '../../refusal.ts'
import type { InFlight } from '../../quota.ts'
import type { Call } from '../../requests/call.ts'
import { InputRounds } from '../../requests/input-rounds.ts'
import type { Outlet } from '../../requests/peer.ts'
import { RequestStates } from '../../requests/request-state.ts'
import { ModernPeer } from './modern-peer.ts'
import { PassingStream } from './passing-stream.ts'
import { Reply, type ReplyStream, type ResponseForms, responseForms } from './reply.ts'
import type { TransportRequest } from './transport-request.ts'
import type { TransportResponse } from './transport-response.ts'
import type { Transport, TransportContext } from './transport.ts'

/** The transport of revision 2026-07-28, and its open streams of changes. */
export interface StatelessTransport extends Transport {
  readonly listenStreams: ReadonlySet<ListenStream>
}

/**
 * Revision 2026-07-28: each request says all there is to know of its client, and is answered in its HTTP response, with
 * JSON, or with a stream as soon as something is sent before the answer. Changes are on the stream of a
 * `subscriptions/listen` request.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http
 */
export function stateless(context: TransportContext): StatelessTransport {
  const { dispatcher, changes, resources, options } = context
  const { limits } = options
  const states = new RequestStates(options.requestStateSecret)
  const listenStreams = new Set<ListenStream>()

  function listen(
    { principal }: TransportRequest,
    { id, method, params }: JSONRPCRequest,
    response: TransportResponse,
  ): void {
    const { notifications: filter, _meta } = parseParams(method as 'subscriptions/listen', params)
    const since = (_meta as Record<string, unknown> | undefined)?.[recovery.since]
    if (new Set(filter.resourceSubscriptions).size > limits.subscriptions.max.perSession) {
      throw limits.subscriptions.refuse('perSession').toMcpError(errorCodes.invalidParams)
    }
    limits.streams.require(principal)
    const held = new Holding(limits.bytes, principal)
    let watched: number
    const isResource = (uri: string) => resources.has(uri)
    const stream = new ListenStream(
      { id, filter, since, retryMs: options.retryMs },
      changes,
      isResource,
      (uris, bytes) => {
        if (bytes > limits.bytes.max.perSession) {
          throw limits.bytes.refuse('perSession').toMcpError(errorCodes.invalidParams)
        }
        limits.subscriptions.require(principal, (watched = uris))
        held.take(bytes)
        limits.subscriptions.add(principal, watched)
        return response.stream(principal)
      },
    )
    listenStreams.add(stream)
    stream.onClose = () => {
      listenStreams.delete(stream)
      limits.subscriptions.release(principal, watched)
      held.release()
    }
  }

  async function answer(
    request: JSONRPCRequest,
    peer: ModernPeer,
    response: TransportResponse,
    forms: ResponseForms,
    inFlight: InFlight,
  ): Promise<void> {
    const inputs = new InputRounds(request, peer.principal, states)
    const reply = new StatelessReply(response, forms, peer, inputs, context)
    const answered = dispatcher.answer(request, peer, reply, inFlight)
    const { call } = peer
    if (call?.over === false) {
      response.whenClosed(() => {
        if (!call.over) call.abort(new DOMException('The client is gone', 'AbortError'))
      })
    }
    const encoded = await answered
    if (encoded === undefined) return reply.hasStream ? reply.end() : response.empty(202)
    const { json, errorCode } = encoded
    // The status tells of an error, too, as long as the response has not begun.
    if (!reply.hasStream && errorCode !== undefined) response.json(json, modernHttpStatus(errorCode))
    else if (!reply.hasStream && forms.json) response.json(json)
    else reply.end(json)
  }

  return {
    listenStreams,

    namesRequests: true,

    sessionOf: () => undefined,

    open() {
      throw new Refusal(405, 'Revision 2026-07-28 has no GET: changes are on a subscriptions/listen stream')
    },

    async receive(request, response, inFlight) {
      const message = messageOf(request.body)
      if (message === undefined) return response.empty(202)
      const forms = responseForms(request, options.responses)
      const peer = new ModernPeer(request, message, context)
      if (message.method === 'subscriptions/listen') return listen(request, message, response)
      inFlight.take(1)
      await answer(message, peer, response, forms, inFlight)
    },

    end() {
      throw new Refusal(405, 'Revision 2026-07-28 has no sessions, and so no DELETE')
    },
  }
}

/**
 * The request in a body; undefined for a notification.
 *
 * @throws {McpError} `invalidRequest` for all else.
 */
function messageOf(body: unknown): JSONRPCRequest | undefined {
  if (Array.isArray(body)) throw new McpError(errorCodes.invalidRequest, 'Revision 2026-07-28 has no batches')
  const message = parseMessage(body)
  if (isRequest(message)) return message
  if ('method' in message) return undefined
  throw new McpError(
    errorCodes.invalidRequest,
    'A response is sent in inputResponses, with the request again',
  )
}

/** The HTTP response of a request of revision 2026-07-28. */
class StatelessReply extends Reply implements Outlet {
  readonly #peer: ModernPeer
  readonly #inputs: InputRounds
  readonly #context: TransportContext

  constructor(
    response: TransportResponse,
    forms: ResponseForms,
    peer: ModernPeer,
    inputs: InputRounds,
    context: TransportContext,
  ) {
    super(response, forms)
    this.#peer = peer
    this.#inputs = inputs
    this.#context = context
  }

  override send(json: string, mergeKey?: string): void {
    if (this.forms.stream) super.send(json, mergeKey)
  }

  request<M extends RequestToClient>(
    method: M,
    params: ParamsOf<M>,
    key: string | undefined,
    call: Call,
  ): Promise<ResultOf<M>> {
    return this.#inputs.ask(method, params, key, call)
  }

  closeStream(): void {
    // A client of this revision cannot come back.
  }

  protected openStream(): ReplyStream {
    const { principal } = this.#peer
    const stream = this.response.stream(principal, { chunked: true })
    const { limits, mailboxLimits } = this.#context.sessions
    const overflowed = () => {
      const { call, label: session } = this.#peer
      this.#context.options.logger.warn(
        { session, method: call?.request.method },
        'a reader is too slow for its request',
      )
      call?.abort(new DOMException('mailbox full', 'AbortError'))
    }
    return new PassingStream(stream, { principal, limits, mailboxLimits, overflowed })
  }
}
