import {
  type CancelledNotificationParams,
  errorCodes,
  type InputRequest,
  JSONRPC_VERSION,
  type JSONRPCRequest,
  type JSONRPCResponse,
  McpError,
  type RequestId,
} from '@tidings/protocol'
import { isMethod, parseParams } from '@tidings/protocol/client'
import { abortSignalOf, type Signal } from '../async/signals.ts'
import { ProtocolError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { answersOf, type Handlers } from './handlers.ts'

/** The requests of the server. A handler answers each; the server may cancel it. */
export class Inbound {
  readonly #answers: ReturnType<typeof answersOf>
  readonly #logger: Logger
  readonly #running = new Map<RequestId, AbortController>()

  constructor(handlers: Handlers, logger: Logger) {
    this.#answers = answersOf(handlers)
    this.#logger = logger
  }

  /** Whether the server waits for an answer. */
  get isServerWaiting(): boolean {
    return this.#running.size > 0
  }

  /** Returns the response to a request. Undefined when the server or the session does not want it any more. */
  async answer({ id, method, params }: JSONRPCRequest): Promise<JSONRPCResponse | undefined> {
    const abort = new AbortController()
    this.#running.set(id, abort)
    let response: JSONRPCResponse
    try {
      const result = await this.#run(method, params, abort.signal)
      response = { jsonrpc: JSONRPC_VERSION, id, result: result as Record<string, unknown> }
    } catch (thrown) {
      const error = McpError.from(thrown)
      if (error !== thrown && !abort.signal.aborted)
        this.#logger.error({ err: thrown, method }, 'a handler threw')
      response = { jsonrpc: JSONRPC_VERSION, id, error: error.toJSON() }
    } finally {
      if (this.#running.get(id) === abort) this.#running.delete(id)
    }
    return abort.signal.aborted ? undefined : response
  }

  /**
   * Returns the answer to a request that came in an `InputRequiredResult`. The next request carries it to the server.
   */
  async input({ method, params }: InputRequest, signal: Signal): Promise<object> {
    if (!this.#answers[method]) {
      throw new ProtocolError(`The server requires ${method}, for which this client was given no handler`)
    }
    const abort = abortSignalOf(signal)
    try {
      return await this.#run(method, params, abort.signal)
    } finally {
      abort.release()
    }
  }

  /** The server does not want an answer any more. */
  cancelled({ requestId, reason }: CancelledNotificationParams): void {
    if (requestId === undefined) return
    const why = reason ?? 'The server cancelled its request'
    this.#running.get(requestId)?.abort(new DOMException(why, 'AbortError'))
  }

  /** The session is over: no answer is wanted any more. */
  abortAll(reason: Error): void {
    for (const abort of this.#running.values()) abort.abort(reason)
  }

  async #run(method: string, params: unknown, signal: AbortSignal): Promise<object> {
    const answer = Object.hasOwn(this.#answers, method) ? this.#answers[method] : undefined
    if (!answer || !isMethod(method)) {
      throw new McpError(errorCodes.methodNotFound, `Method not found: ${method}`)
    }
    return answer(parseParams(method, params) as never, { signal })
  }
}
