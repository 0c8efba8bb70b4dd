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
export class ClientRequests {
  readonly #pending = new Map<number, Pending>()
  #lastId = 0

  /**
   * Sends a request to the client, and waits for its response. When the signal aborts, the client is told that the
   * response is no longer wanted.
   *
   * @throws {McpError} the client's error response.
   * @throws the signal's reason.
   */
  async request<M extends RequestToClient>(
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

  /** Takes a response of the client. Returns false for a response that nothing waits for. */
  settle(response: JSONRPCResponse): boolean {
    const pending = typeof response.id === 'number' ? this.#pending.get(response.id) : undefined
    if (pending === undefined) return false
    if ('result' in response) pending.resolve(response.result)
    else
      pending.reject(new McpError(response.error.code, response.error.message, { data: response.error.data }))
    return true
  }

  /** Rejects all pending requests: no response will come any more. */
  close(reason: string): void {
    for (const { reject } of [...this.#pending.values()]) reject(new DOMException(reason, 'AbortError'))
  }
}
