import type { JSONRPCResponse, RequestId } from '@tidings/protocol'
import { onAbort, type Signal } from '../async/signals.ts'

interface Waiting {
  resolve: (response: JSONRPCResponse) => void
  reject: (error: unknown) => void
}

/** The requests whose responses come on another connection. The id of a response finds its request. */
export class Pending {
  readonly #waiting = new Map<RequestId, Waiting>()

  /** Waits for the response to a request. Rejects with the signal's reason when the signal is aborted. */
  wait(id: RequestId, signal: Signal): Promise<JSONRPCResponse> {
    let off = () => {}
    const response = new Promise<JSONRPCResponse>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      off = onAbort(signal, reject)
    })
    return response.finally(() => {
      off()
      this.#waiting.delete(id)
    })
  }

  /** @returns false when no request waits for the response. */
  settle(response: JSONRPCResponse): boolean {
    const waiting = response.id === undefined ? undefined : this.#waiting.get(response.id)
    waiting?.resolve(response)
    return waiting !== undefined
  }

  reject(id: RequestId, error: unknown): void {
    this.#waiting.get(id)?.reject(error)
  }

  rejectAll(error: unknown): void {
    for (const { reject } of [...this.#waiting.values()]) reject(error)
  }
}
