import {
  errorCodes,
  type Implementation,
  isMethodOf,
  isModernRevision,
  isRequest,
  isResponse,
  JSONRPC_VERSION,
  type JSONRPCErrorResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type JSONRPCResponse,
  type JSONRPCResultResponse,
  latestLegacyRevision,
  McpError,
  metaKeys,
  parseMessage,
  parseParams,
  type RequestToServer,
  type Result,
} from '@tidings/protocol'
import { longestTimerMs } from '../async/deadline.ts'
import { isPromise } from '../async/is-promise.ts'
import type { Logger } from '../logger.ts'
import { Call, type CallOutcome } from './call.ts'
import { CallContext, type HandlerContext } from './context.ts'
import { parseBatch } from './batch.ts'
import type { MethodHandlers } from './method-handlers.ts'
import type { Outlet, Peer, PeerSession } from './peer.ts'

type AnyHandler = (params: unknown, context: HandlerContext, peer: Peer) => Result | Promise<Result>

interface DispatcherOptions {
  handlers: MethodHandlers
  /** Sent with each result of the modern era. */
  serverInfo: Implementation
  /** A request that takes longer is answered with an error. */
  requestTimeoutMs: number
  logger: Logger
}

/** A response, or the responses to a batch, as JSON. */
export interface EncodedResponse {
  readonly json: string
  /** The code of the JSON-RPC error, when the response is one. */
  readonly errorCode?: number
}

/** Gives requests to their handlers, and makes responses of the results. */
export class Dispatcher {
  readonly #handlers: ReadonlyMap<string, AnyHandler>
  readonly #serverInfo: Implementation
  readonly #requestTimeoutMs: number
  readonly #logger: Logger

  constructor({ handlers, serverInfo, requestTimeoutMs, logger }: DispatcherOptions) {
    this.#handlers = new Map(Object.entries(handlers) as [string, AnyHandler][])
    this.#serverInfo = serverInfo
    this.#requestTimeoutMs = Math.min(requestTimeoutMs, longestTimerMs)
    this.#logger = logger
  }

  /**
   * Takes the body of an HTTP request of a session: one message or a batch.
   *
   * @param outlet takes what is sent before the response.
   * @param countRequests counts the requests in flight. Called before anything of the body is done.
   * @returns a promise of the response; undefined when no response is wanted.
   * @throws {McpError} `invalidRequest` when the body is no message, or a batch in a revision without batches, or holds a
   * request whose id is in flight already.
   * @throws {LimitError} when too many requests are in flight already.
   */
  receive(
    body: unknown,
    session: PeerSession,
    outlet: Outlet,
    countRequests: (requests: number) => void,
  ): Promise<EncodedResponse | undefined> | undefined {
    if (!Array.isArray(body)) {
      const message = parseMessage(body)
      if (!isRequest(message)) return this.#take(message, session)
      session.requireNewId(message.id)
      session.requireRoomFor(1)
      countRequests(1)
      return this.answer(message, session, outlet)
    }
    const messages = parseBatch(body, session)
    const requests = messages.filter(isRequest)
    session.requireRoomFor(requests.length)
    if (requests.length > 0) countRequests(requests.length)
    for (const message of messages) if (!isRequest(message)) this.#take(message, session)
    if (requests.length === 0) return undefined
    return Promise.all(requests.map((request) => this.answer(request, session, outlet))).then((responses) => {
      const wanted = responses.filter((response) => response !== undefined)
      return wanted.length > 0 ? joinResponses(wanted) : undefined
    })
  }

  /**
   * Answers a request. Never rejects: each failure becomes a response. A request whose answer is no longer wanted (it was
   * cancelled, or its session has ended) becomes undefined.
   *
   * @param outlet takes what is sent before the response.
   */
  answer(request: JSONRPCRequest, peer: Peer, outlet: Outlet): Promise<EncodedResponse | undefined> {
    return new Promise((resolve) => {
      const { method } = request
      let timer: NodeJS.Timeout | undefined
      const call = new Call(request, peer.principal, (outcome) => {
        if (timer !== undefined) clearTimeout(timer)
        peer.over(call)
        resolve(outcome && encodeResponse(this.#responseFor(request, peer, outcome), this.#logger))
      })
      const failed = (thrown: unknown) => {
        const error = McpError.from(thrown)
        if (error !== thrown && !call.over) this.#logger.error({ err: thrown, method }, 'request failed')
        call.settle({ error })
      }
      peer.begun(call)
      if (method !== 'initialize' && method !== 'ping') peer.session?.ready()
      try {
        const result = this.#run(call, peer, outlet)
        // A result that is there at once needs no time limit, and no other turn.
        if (!isPromise(result)) return call.settle({ result })
        result.then((result) => call.settle({ result }), failed)
      } catch (thrown) {
        return failed(thrown)
      }
      if (!call.over) timer = setTimeout(() => this.#timeOut(call, peer), this.#requestTimeoutMs)
    })
  }

  #run(call: Call, peer: Peer, outlet: Outlet): Result | Promise<Result> {
    const { method, params } = call.request
    const handler = this.#handlers.get(method)
    // A method of a later revision of the same era does no harm; a method of the other era has no meaning.
    const era = isModernRevision(peer.revision) ? peer.revision : latestLegacyRevision
    if (handler === undefined || !isMethodOf(method, era)) {
      throw new McpError(errorCodes.methodNotFound, `Unknown method: ${method.slice(0, 200)}`)
    }
    const checked = parseParams(method as RequestToServer, params)
    return handler(checked, new CallContext(call, peer, outlet), peer)
  }

  #timeOut(call: Call, peer: Peer): void {
    const { method } = call.request
    const message = `${method} took longer than ${this.#requestTimeoutMs} ms`
    this.#logger.warn({ session: peer.label, method }, message)
    const error = new McpError(errorCodes.internalError, message)
    call.abort(new DOMException(message, 'TimeoutError'), { error })
  }

  #responseFor({ id }: JSONRPCRequest, peer: Peer, outcome: CallOutcome): JSONRPCResponse {
    if ('error' in outcome) return { jsonrpc: JSONRPC_VERSION, id, error: outcome.error.toJSON() }
    const { result } = outcome
    if (!isModernRevision(peer.revision)) return { jsonrpc: JSONRPC_VERSION, id, result }
    const _meta = { [metaKeys.serverInfo]: this.#serverInfo, ...result._meta }
    return { jsonrpc: JSONRPC_VERSION, id, result: { resultType: 'complete', ...result, _meta } }
  }

  /** Takes a message that wants no response: a notification, or a response to a request of the server. */
  #take(message: Exclude<JSONRPCMessage, JSONRPCRequest>, session: PeerSession): undefined {
    if (isResponse(message)) {
      if (!session.clientRequests.settle(message))
        this.#logger.debug({ session: session.label, id: message.id }, 'stray response')
    } else if (message.method === 'notifications/initialized') {
      session.ready()
    } else if (message.method === 'notifications/cancelled') {
      const { requestId, reason } = message.params ?? {}
      session.cancel(
        requestId as string | number,
        typeof reason === 'string' ? reason : 'Cancelled by the client',
      )
    }
  }
}

/**
 * A response as JSON. A handler may return what JSON cannot express (a cycle, a BigInt): such a response becomes an
 * error, so that no request is left without an answer.
 */
function encodeResponse(response: JSONRPCResponse, logger: Logger): EncodedResponse {
  try {
    return encoded(response)
  } catch (cause) {
    const { id } = response as JSONRPCResultResponse
    logger.error({ err: cause, id }, 'a result cannot be written as JSON')
    const error = new McpError(errorCodes.internalError, 'Internal error').toJSON()
    return encoded({ jsonrpc: JSONRPC_VERSION, id, error })
  }
}

/** The responses to a batch. */
function joinResponses(responses: readonly EncodedResponse[]): EncodedResponse {
  return { json: `[${responses.map(({ json }) => json).join()}]` }
}

function encoded(response: JSONRPCResultResponse | JSONRPCErrorResponse): EncodedResponse {
  const json = JSON.stringify(response)
  return 'error' in response ? { json, errorCode: response.error.code } : { json }
}
