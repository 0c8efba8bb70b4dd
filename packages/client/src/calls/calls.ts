import {
  JSONRPC_VERSION,
  type JSONRPCMessage,
  type JSONRPCResponse,
  McpError,
  type ParamsOf,
  type parseResultToClient,
  type ProgressNotificationParams,
  type ProgressToken,
  type RequestId,
  type RequestToServer,
  type ResultOf,
} from '@tidings/protocol'
import {
  type ClientError,
  ClosedError,
  ConnectionError,
  ProtocolError,
  SessionGoneError,
  TimeoutError,
} from '../errors.ts'
import type { Logger } from '../logger.ts'
import { Backoff } from '../async/reconnect.ts'
import { RequestTimer } from './request-timer.ts'
import { LinkedController, type Signal } from '../async/signals.ts'
import type { Transport } from '../transports/transport.ts'

/** How one request is made. */
export interface RequestOptions {
  /** Cancels the request: the server is told, and the call rejects with the signal's reason. */
  signal?: AbortSignal
  /**
   * How long to wait for the response, in milliseconds. Progress from the server, and the time it waits for one of our
   * handlers, start it again. Default: the client's `timeoutMs`.
   */
  timeoutMs?: number
  /** How long to wait in all, whatever the progress, in milliseconds. Default: the client's `totalTimeoutMs`. */
  totalTimeoutMs?: number
  /** Called with each progress notification for this request. */
  onProgress?: (progress: ProgressNotificationParams) => void
}

/** How one request is made from within. */
export interface CallOptions extends Omit<RequestOptions, 'signal'> {
  signal?: Signal | undefined
  /** Resolves when it can be sent; if it is lost it is not sent again. Default: when the connection is there. */
  ready?: CallsOptions['ready']
  /** Headers for this request alone. */
  headers?: Record<string, string> | undefined
  /** Given what comes on the stream of the response before it, and the request's id. */
  received?: (message: JSONRPCMessage, id: RequestId) => void
  /** Asks the server, whatever is remembered. */
  fresh?: boolean
}

/** What {@link Calls} are made with. */
export interface CallsOptions {
  transport: Transport
  logger: Logger
  timeoutMs: number
  totalTimeoutMs: number
  /** Checks a result. */
  parseResult: typeof parseResultToClient
  /** What every request says in its `_meta`. */
  meta: () => object
  /** Resolves when the connection is there. */
  ready: (signal: Signal) => Promise<void>
  /** Whether the server is waiting for us. */
  busy: () => boolean
  /** Aborted when the client is closed: what is in flight is rejected with its reason. */
  closing: Signal
}

/** One request, however often it is sent. */
interface Call {
  /** The id it was last sent with. */
  id: number
  /** Whether the server may have it. */
  sent: boolean
  readonly method: RequestToServer
  readonly params: { _meta?: object | undefined } | undefined
  readonly timer: RequestTimer
  readonly options: CallOptions
  readonly signal: Signal
}

/** What may be sent again when it is not known whether it was served: what it asks for changes nothing. */
const repeatable: readonly string[] = [
  'ping',
  'server/discover',
  'tools/list',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/read',
  'resources/templates/list',
  'completion/complete',
] satisfies RequestToServer[]

/** The requests to the server: their ids, timeouts, progress and cancellation. */
export class Calls {
  readonly #options: CallsOptions
  /** By progress token, which is the request's id. */
  readonly #inFlight = new Map<ProgressToken, Call>()
  #lastId = 0

  constructor(options: CallsOptions) {
    this.#options = options
  }

  /** Sends a request, when the connection is there, and returns its checked result. */
  async request<M extends RequestToServer>(
    method: M,
    params: ParamsOf<M> | undefined,
    options: CallOptions = {},
  ): Promise<ResultOf<M>> {
    options.signal?.throwIfAborted()
    const { timeoutMs = this.#options.timeoutMs, totalTimeoutMs = this.#options.totalTimeoutMs } = options
    const { busy, closing } = this.#options
    const abort = new LinkedController(options.signal, closing)
    const timer = new RequestTimer({ timeoutMs, totalTimeoutMs, busy }, (limit) => {
      const doing = call.sent ? 'no response' : 'no connection to send it on'
      abort.abort(new TimeoutError(`${method}: ${doing} within ${limit}`, { mayHaveRun: call.sent }))
    })
    const call: Call = { id: 0, sent: false, method, params, timer, options, signal: abort.signal }
    try {
      return this.#resultOf(method, await this.#send(call))
    } catch (error) {
      if (abort.signal.aborted && error === abort.signal.reason) this.#giveUp(call, error)
      throw error instanceof ClosedError && call.sent
        ? new ClosedError(error.message, { cause: error.cause })
        : error
    } finally {
      timer.stop()
      abort.release()
    }
  }

  /** A progress notification has come. */
  progressed(params: ProgressNotificationParams): void {
    const call = this.#inFlight.get(params.progressToken)
    if (!call) return
    call.timer.restart()
    try {
      call.options.onProgress?.(params)
    } catch (err) {
      this.#options.logger.error({ err, requestId: params.progressToken }, 'onProgress threw')
    }
  }

  /** The server has got what it waited for: from here on it is we who wait. */
  answered(): void {
    for (const { timer } of this.#inFlight.values()) timer.restart()
  }

  async #send(call: Call): Promise<JSONRPCResponse> {
    const { transport } = this.#options
    const { signal } = call
    const { ready } = call.options
    for (let again = false; ; again = true) {
      if (ready) await ready(signal)
      else if (again || !transport.independent) await this.#options.ready(signal)
      signal.throwIfAborted()
      try {
        return await this.#sendOnce(call)
      } catch (error) {
        if (again || signal.aborted || !mayRepeat(call, error)) throw error
        call.sent = error.mayHaveRun
        // What it was lost by may not have been noticed by the connection yet.
        if (error instanceof ConnectionError) {
          await new Backoff().pause({ livedMs: 0, retryMs: transport.retryMs }, signal)
        }
      }
    }
  }

  async #sendOnce(call: Call): Promise<JSONRPCResponse> {
    const { method, params, signal } = call
    const { headers, received } = call.options
    const id = (call.id = ++this.#lastId)
    // A server that reports progress keeps the request alive, wanted or not: so it is always asked to.
    const _meta = { ...params?._meta, ...this.#options.meta(), progressToken: id }
    const how = { signal, headers, received: received && ((other: JSONRPCMessage) => received(other, id)) }
    this.#inFlight.set(id, call)
    call.sent = true
    try {
      const message = { jsonrpc: JSONRPC_VERSION, id, method, params: { ...params, _meta } } as const
      return await this.#options.transport.request(message, how)
    } finally {
      this.#inFlight.delete(id)
    }
  }

  /** Tells the server that a response is no longer wanted. */
  #giveUp({ id: requestId, method, sent }: Call, error: unknown): void {
    // The specification excepts initialize.
    const { transport, ready, logger, closing: signal } = this.#options
    if (!sent || method === 'initialize' || signal.aborted) return
    const params = { requestId, reason: error instanceof Error ? error.message : String(error) }
    Promise.resolve(transport.independent || ready(signal))
      .then(() =>
        transport.notify({ jsonrpc: JSONRPC_VERSION, method: 'notifications/cancelled', params }, { signal }),
      )
      .catch((err: unknown) =>
        logger.debug({ err, requestId }, 'the server could not be told of a cancellation'),
      )
  }

  #resultOf<M extends RequestToServer>(method: M, response: JSONRPCResponse): ResultOf<M> {
    if ('error' in response) {
      const { code, message, data } = response.error
      throw new McpError(code, message, { data })
    }
    try {
      return this.#options.parseResult(method, response.result)
    } catch (cause) {
      throw new ProtocolError((cause as Error).message, { cause })
    }
  }
}

/** Whether a request that failed can be made again by itself. */
function mayRepeat({ method, options }: Call, error: unknown): error is ClientError {
  // The session was gone before the request came: it was not served, and the next session can.
  if (error instanceof SessionGoneError) return true
  if (!(error instanceof ConnectionError) || options.ready) return false
  return !error.mayHaveRun || repeatable.includes(method)
}
