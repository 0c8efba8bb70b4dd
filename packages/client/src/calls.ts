import {
  JSONRPC_VERSION,
  type JSONRPCResponse,
  McpError,
  type ParamsOf,
  parseResult,
  type ProgressNotificationParams,
  type ProgressToken,
  type RequestToServer,
  type ResultOf,
} from '@tidings/protocol'
import { ClosedError, ProtocolError, SessionGoneError, TimeoutError } from './errors.ts'
import type { Logger } from './logger.ts'
import { RequestTimer } from './request-timer.ts'
import { LinkedController } from './signals.ts'
import type { Transport } from './transports/transport.ts'

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

/** What {@link Calls} are made with. */
export interface CallsOptions {
  transport: Transport
  logger: Logger
  timeoutMs: number
  totalTimeoutMs: number
  /** Resolves when messages can be sent. */
  ready: (signal: AbortSignal) => Promise<void>
  /** Whether the server is waiting for us. */
  busy: () => boolean
  /** Aborted when the client is closed: what is in flight is rejected with its reason. */
  closing: AbortSignal
}

/** The requests to the server: their ids, timeouts, progress and cancellation. */
export class Calls {
  readonly #options: CallsOptions
  /** By progress token, which is the request's id. */
  readonly #inFlight = new Map<
    ProgressToken,
    { timer: RequestTimer; onProgress: RequestOptions['onProgress'] }
  >()
  #lastId = 0

  constructor(options: CallsOptions) {
    this.#options = options
  }

  /**
   * Sends a request, when the connection is there, and returns its checked result.
   *
   * @param options.ready resolves when it can be sent. Default: when the connection is there.
   */
  async request<M extends RequestToServer>(
    method: M,
    params: ParamsOf<M> | undefined,
    options: RequestOptions & { ready?: CallsOptions['ready'] } = {},
  ): Promise<ResultOf<M>> {
    options.signal?.throwIfAborted()
    const id = ++this.#lastId
    const { timeoutMs = this.#options.timeoutMs, totalTimeoutMs = this.#options.totalTimeoutMs } = options
    const { busy, closing } = this.#options
    const abort = new LinkedController(options.signal, closing)
    const call = { sent: false }
    const timer = new RequestTimer({ timeoutMs, totalTimeoutMs, busy }, (limit) => {
      const doing = call.sent ? 'no response' : 'no connection to send it on'
      abort.abort(new TimeoutError(`${method}: ${doing} within ${limit}`, { mayHaveRun: call.sent }))
    })
    this.#inFlight.set(id, { timer, onProgress: options.onProgress })
    try {
      // A server that reports progress keeps the request alive, wanted or not: so it is always asked to.
      const _meta = { ...params?._meta, progressToken: id }
      const message = { jsonrpc: JSONRPC_VERSION, id, method, params: { ...params, _meta } } as const
      return resultOf(method, await this.#send(message, abort.signal, call, options.ready))
    } catch (error) {
      if (abort.signal.aborted && error === abort.signal.reason) this.#giveUp(id, method, error, call.sent)
      throw error instanceof ClosedError && call.sent
        ? new ClosedError(error.message, { cause: error.cause })
        : error
    } finally {
      timer.stop()
      abort.release()
      this.#inFlight.delete(id)
    }
  }

  /** A progress notification has come. */
  progressed(params: ProgressNotificationParams): void {
    const call = this.#inFlight.get(params.progressToken)
    if (!call) return
    call.timer.restart()
    try {
      call.onProgress?.(params)
    } catch (err) {
      this.#options.logger.error({ err, requestId: params.progressToken }, 'onProgress threw')
    }
  }

  /** The server has got what it waited for: from here on it is we who wait. */
  answered(): void {
    for (const { timer } of this.#inFlight.values()) timer.restart()
  }

  async #send(
    message: Parameters<Transport['request']>[0],
    signal: AbortSignal,
    call: { sent: boolean },
    ready = this.#options.ready,
  ): Promise<JSONRPCResponse> {
    for (let again = false; ; again = true) {
      await ready(signal)
      call.sent = true
      try {
        return await this.#options.transport.request(message, { signal })
      } catch (error) {
        // The session was gone before the request came: it was not served, and the next session can.
        if (!(error instanceof SessionGoneError) || again) throw error
        call.sent = false
      }
    }
  }

  /** Tells the server that a response is no longer wanted. */
  #giveUp(requestId: number, method: string, error: unknown, sent: boolean): void {
    // The specification excepts initialize.
    const { transport, ready, logger, closing: signal } = this.#options
    if (!sent || method === 'initialize' || signal.aborted) return
    const params = { requestId, reason: error instanceof Error ? error.message : String(error) }
    ready(signal)
      .then(() =>
        transport.notify({ jsonrpc: JSONRPC_VERSION, method: 'notifications/cancelled', params }, { signal }),
      )
      .catch((err: unknown) =>
        logger.debug({ err, requestId }, 'the server could not be told of a cancellation'),
      )
  }
}

function resultOf<M extends RequestToServer>(method: M, response: JSONRPCResponse): ResultOf<M> {
  if ('error' in response) {
    const { code, message, data } = response.error
    throw new McpError(code, message, { data })
  }
  try {
    return parseResult(method, response.result)
  } catch (cause) {
    throw new ProtocolError((cause as Error).message, { cause })
  }
}
