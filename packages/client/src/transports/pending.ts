import type { JSONRPCResponse, RequestId } from '@tidings/protocol'
import { Deferred } from '../async/deferred.ts'
import { abortable, type Signal } from '../async/signals.ts'

/**
 * The requests whose responses come on another connection. The id of a response finds its request. Some
 * servers send an id back as a string.
 */
export class Pending {
  readonly #waiting = new Map<string, Deferred<JSONRPCResponse>>()

  /** Waits for the response to a request. Rejects with the signal's reason when the signal is aborted. */
  async wait(id: RequestId, signal: Signal): Promise<JSONRPCResponse> {
    const response = new Deferred<JSONRPCResponse>()
    this.#waiting.set(String(id), response)
    try {
      return await abortable(response.promise, signal)
    } finally {
      this.#waiting.delete(String(id))
    }
  }

  /** @returns false when no request waits for the response. */
  settle(response: JSONRPCResponse): boolean {
    const waiting = this.#waiting.get(String(response.id))
    waiting?.resolve(response)
    return waiting !== undefined
  }

  reject(id: RequestId, error: unknown): void {
    this.#waiting.get(String(id))?.reject(error)
  }

  rejectAll(error: unknown): void {
    for (const { reject } of this.#waiting.values()) reject(error)
  }
}
