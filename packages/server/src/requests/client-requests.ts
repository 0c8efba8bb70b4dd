import {
  JSONRPC_VERSION,
  type JSONRPCMessage,
  type JSONRPCResponse,
  McpError,
  type ParamsOf,
  parseResult,
  type RequestToClient,
  type ResultOf,
} from '@tidings/protocol'

interface Pending {
  resolve: (result: unknown) => void
  reject: (error: Error) => void
}

/** The requests to one client that it has not answered yet. */
export class Asks {
  readonly #pending = new Map<number, Pending>()
  #lastId = 0

  /**
   * Asks the client, and waits for its answer. When the signal aborts, the client is told that the answer is no longer
   * wanted.
   *
   * @throws {McpError} what the client answered instead of a result.
   * @throws the signal's reason.
   */
  async ask<M extends RequestToClient>(
    method: M,
    params: ParamsOf<M>,
    signal: AbortSignal,
    send: (message: JSONRPCMessage) => void,
  ): Promise<ResultOf<M>> {
    signal.throwIfAborted()
    const id = ++this.#lastId
    const onAbort = () => {
      const reason = signal.reason as Error
      send({
        jsonrpc: JSONRPC_VERSION,
        method: 'notifications/cancelled',
        params: { requestId: id, reason: reason.message },
      })
      this.#pending.get(id)?.reject(reason)
    }
    try {
      const result = await new Promise<unknown>((resolve, reject) => {
        this.#pending.set(id, { resolve, reject })
        signal.addEventListener('abort', onAbort, { once: true })
        send({ jsonrpc: JSONRPC_VERSION, id, method, params })
      })
      return parseResult(method, result)
    } finally {
      this.#pending.delete(id)
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Takes an answer of the client. One that nobody waits for, or a second one, is no answer: false. */
  settle(response: JSONRPCResponse): boolean {
    const pending = typeof response.id === 'number' ? this.#pending.get(response.id) : undefined
    if (pending === undefined) return false
    if ('result' in response) pending.resolve(response.result)
    else
      pending.reject(new McpError(response.error.code, response.error.message, { data: response.error.data }))
    return true
  }

  /** Nobody will answer any more. */
  close(reason: string): void {
    for (const { reject } of [...this.#pending.values()]) reject(new DOMException(reason, 'AbortError'))
  }
}
