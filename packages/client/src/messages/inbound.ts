import {
  type CancelledNotificationParams,
  errorCodes,
  type InputRequest,
  isMethodToClient,
  JSONRPC_VERSION,
  type JSONRPCRequest,
  type JSONRPCResponse,
  McpError,
  parseParamsToClient,
  type RequestId,
} from '@tidings/protocol'
import { ProtocolError } from '../errors.ts'
import { answersOf, type Handlers } from './handlers.ts'
import type { Logger } from '../logger.ts'
import { abortSignalOf, type Signal } from '../async/signals.ts'

/** The requests of the server: each is answered by its handler, and may be cancelled by the server. */
export class Inbound {
  readonly #answers: ReturnType<typeof answersOf>
  readonly #logger: Logger
  readonly #running = new Map<RequestId, AbortController>()

  constructor(handlers: Handlers, logger: Logger) {
    this.#answers = answersOf(handlers)
    this.#logger = logger
  }

  /** Whether the server waits for an answer. */
  get busy(): boolean {
    return this.#running.size > 0
  }

  /** The response to a request; undefined when none is wanted any more. */
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

  /** The result of a request that came in a result, and is answered by making that request again. */
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

  /** The server no longer wants an answer. */
  cancelled({ requestId, reason }: CancelledNotificationParams): void {
    if (requestId === undefined) return
    const why = reason ?? 'The server cancelled its request'
    this.#running.get(requestId)?.abort(new DOMException(why, 'AbortError'))
  }

  /** The session is over, and nobody waits for an answer any more. */
  abortAll(reason: Error): void {
    for (const abort of this.#running.values()) abort.abort(reason)
  }

  async #run(method: string, params: unknown, signal: AbortSignal): Promise<object> {
    const answer = Object.hasOwn(this.#answers, method) ? this.#answers[method] : undefined
    if (!answer || !isMethodToClient(method)) {
      throw new McpError(errorCodes.methodNotFound, `Method not found: ${method}`)
    }
    return answer(parseParamsToClient(method, params) as never, { signal })
  }
}
