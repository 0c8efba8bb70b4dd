import {
  errorCodes,
  type Implementation,
  isMethodOf,
  isModernRevision,
  isRequest,
  isResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
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
import type { InFlight } from '../quota.ts'
import { joinResponses, parseBatch } from './batch.ts'
import { Call, type CallAnswerer, type CallOutcome } from './call.ts'
import { QuestionError } from './client-requests.ts'
import { CallContext, type HandlerContext } from './context.ts'
import {
  asObject,
  encodeError,
  type EncodedResponse,
  encodeResult,
  FaultyResult,
  subjectOf,
} from './encode.ts'
import type { MethodHandlers } from './method-handlers.ts'
import type { Outlet, Peer, PeerSession } from './peer.ts'

type AnyHandler = (params: unknown, context: HandlerContext, peer: Peer) => Result | Promise<Result>

/** The methods after which a client counts on something of its session. */
const storedMethods: ReadonlySet<string> = new Set([
  'initialize',
  'resources/subscribe',
  'resources/unsubscribe',
  'logging/setLevel',
])

interface DispatcherOptions {
  handlers: MethodHandlers
  /** Sent with each result of the modern era. */
  serverInfo: Implementation
  /** A request that takes longer is answered with an error. */
  requestTimeoutMs: number
  logger: Logger
}

/** Gives requests to their handlers, and makes responses of the results. */
export class Dispatcher implements CallAnswerer {
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
   * @param inFlight counts the requests, before anything of the body is done.
   * @returns a promise of the response; undefined when no response is wanted.
   * @throws {McpError} `invalidRequest` when the body is no message, or a batch in a revision without batches, or holds a
   * request whose id is in flight already.
   * @throws {LimitError} when too many requests are in flight already.
   */
  receive(
    body: unknown,
    session: PeerSession,
    outlet: Outlet,
    inFlight: InFlight,
  ): Promise<EncodedResponse | undefined> | undefined {
    if (!Array.isArray(body)) {
      const message = parseMessage(body)
      if (!isRequest(message)) return this.#take(message, session)
      session.requireNewId(message.id)
      session.requireRoomFor(1)
      inFlight.take(1)
      const answer = this.answer(message, session, outlet, inFlight)
      return storedMethods.has(message.method) ? this.#onceStored(message, answer, session) : answer
    }
    const messages = parseBatch(body, session)
    const requests = messages.filter(isRequest)
    session.requireRoomFor(requests.length)
    if (requests.length > 0) inFlight.take(requests.length)
    for (const message of messages) if (!isRequest(message)) this.#take(message, session)
    if (requests.length === 0) return undefined
    const answers = requests.map((request) => {
      const answer = this.answer(request, session, outlet, inFlight)
      return storedMethods.has(request.method) ? this.#onceStored(request, answer, session) : answer
    })
    return Promise.all(answers).then((responses) => joinResponses(requests, responses))
  }

  /**
   * Answers a request. Never rejects: each failure becomes a response. A request whose answer is no longer wanted (it was
   * cancelled, or its session has ended) becomes undefined.
   *
   * @param outlet takes what is sent before the response.
   * @param inFlight counts the request already.
   */
  answer(
    request: JSONRPCRequest,
    peer: Peer,
    outlet: Outlet,
    inFlight: InFlight,
  ): Promise<EncodedResponse | undefined> {
    return new Promise((resolve) => {
      const { method } = request
      const call = new Call(request, peer, outlet, this, inFlight, resolve)
      peer.begun(call)
      if (method !== 'initialize' && method !== 'ping') peer.session?.ready()
      try {
        const result = this.#run(call)
        // A result that is there at once needs no time limit, and no other turn.
        if (!isPromise(result)) return call.settle({ result })
        result.then(
          (result) => call.settle({ result }),
          (thrown: unknown) => call.fail(thrown),
        )
      } catch (thrown) {
        return call.fail(thrown)
      }
      call.limit(this.#requestTimeoutMs, () => this.#timeOut(call))
    })
  }

  /** The answer, once the session outlives its node with what the client has been promised. */
  async #onceStored(
    { id, method }: JSONRPCRequest,
    answer: Promise<EncodedResponse | undefined>,
    session: PeerSession,
  ): Promise<EncodedResponse | undefined> {
    const response = await answer
    try {
      await session.pendingStore
      return response
    } catch {
      const message = `${method} cannot be stored just now: the backplane does not answer. Try again`
      return encodeError(
        id,
        new McpError(errorCodes.internalError, message, { data: { retry: true } }),
        () => {},
      )
    }
  }

  /** Makes the response to a call. What cannot be sent becomes an error, so that no request is left without an answer. */
  encode(call: Call, outcome: CallOutcome | (() => CallOutcome)): EncodedResponse {
    try {
      const made = typeof outcome === 'function' ? outcome() : outcome
      if ('error' in made) return this.#encodeError(call, made.error)
      return this.#encodeResult(call, made.result)
    } catch (thrown) {
      return this.#encodeError(call, this.errorOf(call, thrown))
    }
  }

  /** The error for the client. The log gets all else: what a handler throws may hold secrets. */
  errorOf({ request, peer }: Call, thrown: unknown): McpError {
    if (thrown instanceof QuestionError) return new McpError(errorCodes.internalError, thrown.words)
    const isFaulty = thrown instanceof FaultyResult
    if (thrown instanceof McpError && !isFaulty) return thrown
    const fields = { session: peer.label, method: request.method }
    this.#logger.error({ err: thrown, ...fields }, 'request failed')
    return McpError.from(thrown)
  }

  #run(call: Call): Result | Promise<Result> {
    const { request, peer } = call
    const { method, params } = request
    const handler = this.#handlers.get(method)
    // A method of a later revision of the same era does no harm; a method of the other era has no meaning.
    const era = isModernRevision(peer.revision) ? peer.revision : latestLegacyRevision
    if (handler === undefined || !isMethodOf(method, era)) {
      throw new McpError(errorCodes.methodNotFound, `Unknown method: ${method.slice(0, 200)}`)
    }
    const checked = parseParams(method as RequestToServer, params)
    return handler(checked, new CallContext(call, this.#logger), peer)
  }

  #timeOut(call: Call): void {
    const { request, peer } = call
    const message = `${request.method} took longer than ${this.#requestTimeoutMs} ms`
    this.#logger.warn({ session: peer.label, method: request.method }, message)
    const error = new McpError(errorCodes.internalError, message)
    call.abort(new DOMException(message, 'TimeoutError'), { error })
  }

  #encodeError({ request, peer }: Call, error: McpError): EncodedResponse {
    const { id, method } = request
    const leftOut = (err: unknown) => {
      const fields = { err, session: peer.label, method }
      this.#logger.error(fields, 'the data of an error cannot be written as JSON: not sent')
    }
    try {
      return encodeError(id, error, leftOut)
    } catch (thrown) {
      return encodeError(
        id,
        new McpError(errorCodes.internalError, 'Internal error', { cause: thrown }),
        leftOut,
      )
    }
  }

  /** @throws {FaultyResult} when the result cannot be sent. */
  #encodeResult({ request, peer }: Call, result: Result): EncodedResponse {
    try {
      if (!isModernRevision(peer.revision)) return encodeResult(request, result)
      const fields = asObject(result, () => `The result of ${subjectOf(request)}`) as Result
      const _meta = { [metaKeys.serverInfo]: this.#serverInfo, ...fields._meta }
      return encodeResult(request, { resultType: 'complete', ...fields, _meta })
    } catch (cause) {
      if (cause instanceof FaultyResult) throw cause
      throw new FaultyResult(`The result of ${subjectOf(request)} cannot be written as JSON`, { cause })
    }
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
