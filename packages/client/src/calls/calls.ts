import {
  JSONRPC_VERSION,
  type JSONRPCResponse,
  McpError,
  type OnLeftOut,
  type ParamsOf,
  type ProgressNotificationParams,
  type RequestId,
  type RequestToServer,
  type ResultOf,
} from '@tidings/protocol'
import { parseResult } from '@tidings/protocol/client'
import { callUser } from '../async/call-user.ts'
import { Backoff } from '../async/reconnect.ts'
import { LinkedController, type Signal } from '../async/signals.ts'
import type { Connection } from '../connection/connection.ts'
import {
  type ClientError,
  ClosedError,
  ConnectionError,
  isBusy,
  named,
  ProtocolError,
  SessionGoneError,
  TimeoutError,
} from '../errors.ts'
import { type Logger, warnOfLeftOut } from '../logger.ts'
import type { Inbound } from '../messages/inbound.ts'
import type { Timeouts } from '../timeouts.ts'
import type { ServerMessage, Transport } from '../transports/transport.ts'
import { RequestTimer } from './request-timer.ts'

/** Options of one request. */
export interface RequestOptions {
  /** Aborting it cancels the request: the server is told, and the call rejects with the signal's reason. */
  signal?: AbortSignal
  /**
   * How long to wait for the response, in milliseconds. The time starts again with each progress notification, and does
   * not expire while one of your handlers answers the server. Default: the client's `timeoutMs`.
   */
  timeoutMs?: number
  /**
   * How long to wait in total, whatever the progress, in milliseconds. A list with all its pages is one operation, and
   * so is a call with the questions and repetitions that belong to it. Default: the client's `totalTimeoutMs`.
   */
  totalTimeoutMs?: number
  /** Called with each progress notification of this request. */
  onProgress?: (progress: ProgressNotificationParams) => void
}

/** Options of one request, for the client itself. */
export interface CallOptions extends Omit<RequestOptions, 'signal'> {
  signal?: Signal | undefined
  /** Sends the request at once, even while the connection is being made, and never a second time. */
  duringConnect?: boolean
  /** Headers of this request only. */
  headers?: Record<string, string> | undefined
  /** Checks each message that precedes the response, given the id of the request. False drops the message. */
  isExpected?: (message: ServerMessage, id: RequestId) => boolean
  /** Asks the server even when a cached result is fresh. */
  skipCache?: boolean
  /** Returns fields for the `_meta` of the request. Called each time the request is sent. */
  meta?: () => object
  /** Checks the result. Default: the schema of the method. */
  parseResult?: typeof parseResult
}

/** One request, however often it is sent. */
interface Call {
  /** The id it was last sent with. */
  id: number
  /** Whether the server may have received it. */
  sent: boolean
  /** The failure after which it is sent again. */
  failure?: ClientError
  readonly method: RequestToServer
  readonly params: { _meta?: object | undefined } | undefined
  readonly timer: RequestTimer
  readonly options: CallOptions
  readonly signal: Signal
}

/** The requests that change nothing, and can be sent again when it is not known whether they ran. */
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
  // They begin a session, or say what there is. Without an answer, there is no session that anybody uses.
  'initialize',
] satisfies RequestToServer[]

/** How often a request is sent again while the server, or a gateway in front of it, is busy. */
const busyRepeats = 2
/** A server that asks for a longer pause than this one, in milliseconds, is not waited for. */
const longestPauseMs = 5_000

/** The requests to the server: their ids, timeouts, progress, cancellation and repetition. */
export class Calls {
  readonly timeouts: Timeouts
  readonly logger: Logger
  readonly #transport: Transport
  readonly #connection: Connection
  readonly #inbound: Inbound
  readonly #onLeftOut: OnLeftOut
  readonly #server: string
  /** By progress token, which is the id of the request. */
  readonly #inFlight = new Map<number, Call>()
  #lastId = 0

  constructor(
    transport: Transport,
    connection: Connection,
    inbound: Inbound,
    { timeouts, logger, server }: { timeouts: Timeouts; logger: Logger; server: string },
  ) {
    this.#transport = transport
    this.#connection = connection
    this.#inbound = inbound
    this.timeouts = timeouts
    this.logger = logger
    this.#onLeftOut = warnOfLeftOut(logger)
    this.#server = server
  }

  /** Sends a request, when the connection is there, and returns its checked result. */
  async request<M extends RequestToServer>(
    method: M,
    params: ParamsOf<M> | undefined,
    options: CallOptions = {},
  ): Promise<ResultOf<M>> {
    options.signal?.throwIfAborted()
    const { timeoutMs = this.timeouts.timeoutMs, totalTimeoutMs = this.timeouts.totalTimeoutMs } = options
    const server = this.#server
    const abort = new LinkedController(options.signal, this.#connection.closing)
    const timer = new RequestTimer({ timeoutMs, totalTimeoutMs }, this.#inbound, (limit) => {
      const doing = call.sent ? `no response from ${server}` : `no connection to ${server} to send it on`
      const details = { mayHaveRun: call.sent, cause: call.failure }
      abort.abort(new TimeoutError(`${method}: ${doing} within ${limit}`, details))
    })
    const call: Call = { id: 0, sent: false, method, params, timer, options, signal: abort.signal }
    try {
      return this.#resultOf(method, await this.#send(call), options)
    } catch (error) {
      if (abort.signal.aborted && error === abort.signal.reason) this.#cancel(call, error)
      const own =
        error instanceof ClosedError && call.sent
          ? new ClosedError(error.message, { cause: error.cause })
          : error
      throw named(own, method, server)
    } finally {
      timer.stop()
      abort.release()
    }
  }

  /** Handles a progress notification. */
  progressed(params: ProgressNotificationParams): void {
    // Some servers send it back as a string.
    const call = this.#inFlight.get(Number(params.progressToken))
    if (!call) return
    call.timer.restart()
    const { onProgress } = call.options
    if (onProgress) callUser(onProgress, params, this.#onProgressFailed, call.method)
  }

  readonly #onProgressFailed = (err: unknown, method: string): void => {
    this.logger.error({ err, method }, 'onProgress threw')
  }

  /** The server has the answer it waited for: the client waits for the server again. */
  answered(): void {
    for (const { timer } of this.#inFlight.values()) timer.restart()
  }

  async #send(call: Call): Promise<JSONRPCResponse> {
    const transport = this.#transport
    const { signal, options } = call
    let backoff: Backoff | undefined
    let wasLost = false
    for (let tries = 0; ; tries++) {
      if (!options.duringConnect && (tries > 0 || transport.requestsNeedStream)) {
        await this.#connection.whenReady(signal)
      }
      signal.throwIfAborted()
      try {
        return await this.#sendOnce(call)
      } catch (error) {
        const busy = isBusy(error)
        const isEnough = busy ? tries >= busyRepeats : wasLost
        if (isEnough || signal.aborted || !mayRepeat(call, error)) throw error
        wasLost ||= !busy
        call.sent = error.mayHaveRun
        call.failure = error
        // The next session is there when the connection says so. It may not have noticed a loss yet.
        if (error instanceof SessionGoneError) continue
        const { retryMs } = transport
        const hints = busy ? { retryAfterMs: error.retryAfterMs } : { retryMs }
        await (backoff ??= new Backoff()).pause({ livedMs: 0, ...hints }, signal)
      }
    }
  }

  async #sendOnce(call: Call): Promise<JSONRPCResponse> {
    const { method, params, signal } = call
    const { headers, isExpected, meta } = call.options
    const id = (call.id = ++this.#lastId)
    // Progress keeps the request alive even without a listener, so the client always asks for it.
    const _meta = { ...params?._meta, ...meta?.(), progressToken: id }
    const how = {
      signal,
      headers,
      isExpected: isExpected && ((other: ServerMessage) => isExpected(other, id)),
    }
    this.#inFlight.set(id, call)
    call.sent = true
    try {
      const message = { jsonrpc: JSONRPC_VERSION, id, method, params: { ...params, _meta } } as const
      const response = await this.#transport.request(message, how)
      const lost = asLost(response)
      if (lost !== undefined) throw lost
      return response
    } finally {
      this.#inFlight.delete(id)
    }
  }

  #resultOf<M extends RequestToServer>(
    method: M,
    response: JSONRPCResponse,
    options: CallOptions,
  ): ResultOf<M> {
    if ('error' in response) {
      const { code, message, data } = response.error
      throw new McpError(code, message, { data })
    }
    try {
      return (options.parseResult ?? parseResult)(method, response.result, this.#onLeftOut)
    } catch (cause) {
      throw new ProtocolError((cause as Error).message, { cause })
    }
  }

  /** Tells the server that the response is not needed any more. */
  #cancel({ id: requestId, method, sent }: Call, error: unknown): void {
    const transport = this.#transport
    const signal = this.#connection.closing
    // The specification forbids to cancel `initialize`.
    if (!sent || method === 'initialize' || signal.aborted) return
    const params = { requestId, reason: error instanceof Error ? error.message : String(error) }
    Promise.resolve(transport.requestsNeedStream && this.#connection.whenReady(signal))
      .then(() =>
        transport.notify({ jsonrpc: JSONRPC_VERSION, method: 'notifications/cancelled', params }, { signal }),
      )
      .catch((err: unknown) =>
        this.logger.debug({ err, requestId }, 'the server could not be told of a cancellation'),
      )
  }
}

/** Whether the client may send a failed request again. */
function mayRepeat({ method, options }: Call, error: unknown): error is ClientError {
  // The session was gone before the request arrived: it did not run, and the next session can run it.
  if (error instanceof SessionGoneError) return true
  const isSafe = repeatable.includes(method)
  // The answer may be that of a gateway, after the server has run the request. So even a 503 is no leave to run it twice.
  if (isBusy(error)) return isSafe && (error.retryAfterMs ?? 0) <= longestPauseMs
  if (!(error instanceof ConnectionError) || options.duringConnect) return false
  return !error.mayHaveRun || isSafe
}

/** The error of a request whose server, one of several, is gone: another one answers that it may have run. */
function asLost(response: JSONRPCResponse): ConnectionError | undefined {
  if (!('error' in response)) return undefined
  const { code, message, data } = response.error
  if ((data as { mayHaveRun?: unknown } | null | undefined)?.mayHaveRun !== true) return undefined
  return new ConnectionError(message, { mayHaveRun: true, cause: new McpError(code, message, { data }) })
}
