import {
  errorCodes,
  JSONRPC_VERSION,
  type JSONRPCResponse,
  McpError,
  type ParamsOf,
  parseResult,
  type RequestToClient,
  type ResultOf,
} from '@tidings/protocol'
import { encodeMessage } from './encode.ts'

/** The call that asks, as its questions see it. */
export interface AskingCall {
  /** The reason for which nothing can be asked for a call that is over. */
  readonly endReason: Error
  /** Calls back when the call is over: now, if it is already. */
  onceOver(callback: () => void): void
  offOver(callback: () => void): void
}

/** The way of a question to the client. */
export interface QuestionPath {
  /** Sends a message, as JSON. */
  send(json: string): void
  /**
   * True when nobody has been there to take the question for so long that nobody will.
   *
   * @param askedAt the time of asking; this and `now` by `performance.now()`.
   */
  isLost(askedAt: number, now: number): boolean
}

/** The interval at which questions without an answer are looked at. */
const lookMs = 500

interface Pending {
  readonly method: RequestToClient
  readonly path: QuestionPath
  /** The time of asking, by `performance.now()`. */
  readonly askedAt: number
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

/** The characters of a client's words that are put into an error. */
const maxWords = 1_000

/**
 * A question of a handler got no result: the client answered with an error, whose `code`, `message` and `data` these are, or it
 * cannot be reached.
 */
export class QuestionError extends McpError {
  /** The failure as one of the call that asked. The code is that of another request, and would be misread as one of the call. */
  readonly words: string

  constructor(words: string, code: number, message: string, data?: unknown) {
    super(code, message, { data })
    this.words = words
  }
}

/** The requests to one client that it has not answered yet. */
export class ClientRequests {
  readonly #pending = new Map<number, Pending>()
  #lastId = 0
  /** While a question waits. */
  #timer: NodeJS.Timeout | undefined

  /**
   * Sends a request to the client, and waits for its response. When the call is over before, the client is told that the
   * response is no longer wanted.
   *
   * @throws {QuestionError} the client's error response, or that it cannot be reached.
   * @throws the reason for which the call is over.
   */
  async request<M extends RequestToClient>(
    method: M,
    params: ParamsOf<M>,
    call: AskingCall,
    path: QuestionPath,
  ): Promise<ResultOf<M>> {
    const id = ++this.#lastId
    const question = encodeMessage({ jsonrpc: JSONRPC_VERSION, id, method, params })
    const onOver = () => {
      const { endReason } = call
      path.send(cancellation(id, endReason.message))
      this.#pending.get(id)?.reject(endReason)
    }
    try {
      const result = await new Promise<unknown>((resolve, reject) => {
        this.#pending.set(id, { method, path, askedAt: performance.now(), resolve, reject })
        this.#timer ??= setInterval(() => this.#giveUp(), lookMs).unref()
        call.onceOver(onOver)
        path.send(question)
      })
      return resultOf(method, result)
    } finally {
      call.offOver(onOver)
      this.#pending.delete(id)
      if (this.#pending.size === 0) {
        clearInterval(this.#timer)
        this.#timer = undefined
      }
    }
  }

  /** Takes a response of the client. Returns false for a response that nothing waits for. */
  settle(response: JSONRPCResponse): boolean {
    const pending = typeof response.id === 'number' ? this.#pending.get(response.id) : undefined
    if (pending === undefined) return false
    if ('result' in response) pending.resolve(response.result)
    else {
      const { code, message, data } = response.error
      const words = `The client answered ${pending.method} with an error: ${message.slice(0, maxWords)} (code ${code})`
      pending.reject(new QuestionError(words, code, message, data))
    }
    return true
  }

  /** Rejects all pending requests: no response will come any more. */
  close(reason: string): void {
    for (const { reject } of [...this.#pending.values()]) reject(new DOMException(reason, 'AbortError'))
  }

  /** A client that opens no stream and takes none as a response would let a handler wait for its whole time. */
  #giveUp(): void {
    const now = performance.now()
    for (const [id, { method, path, askedAt, reject }] of this.#pending) {
      if (!path.isLost(askedAt, now)) continue
      path.send(cancellation(id, 'The client cannot be reached'))
      const message = `${method} cannot reach the client: it has no stream open, and takes none as the response to its request`
      reject(new QuestionError(message, errorCodes.internalError, message))
    }
  }
}

/** @throws {QuestionError} when it is no result of the method. */
function resultOf<M extends RequestToClient>(method: M, result: unknown): ResultOf<M> {
  try {
    return parseResult(method, result)
  } catch (thrown) {
    const { code, message } = McpError.from(thrown)
    throw new QuestionError(`The client answered ${method} with no result of it: ${message}`, code, message)
  }
}

function cancellation(requestId: number, reason: string): string {
  const params = { requestId, reason }
  return encodeMessage({ jsonrpc: JSONRPC_VERSION, method: 'notifications/cancelled', params })
}
