import { setImmediate } from 'node:timers/promises'
import { errorCodes, McpError } from '@tidings/protocol'
import type { Call } from './call.ts'
import { settledWithin } from '../async/deadline.ts'

/** All requests of a mount that are being answered. A mount needs them to stop gracefully. */
export class Calls {
  // No Set: a set is laid out anew again and again when entries come and go all the time.
  readonly #calls: Call[] = []

  get size(): number {
    return this.#calls.length
  }

  add(call: Call): void {
    call.place = this.#calls.push(call) - 1
  }

  delete(call: Call): void {
    const last = this.#calls.pop()!
    if (last === call) return
    this.#calls[call.place] = last
    last.place = call.place
  }

  /** Lets the requests finish until the deadline, then answers the rest with an error. */
  async close(deadlineMs: number): Promise<void> {
    await settledWithin(
      deadlineMs,
      this.#calls.map((call) => call.finished()),
    )
    const message = 'The server is stopping'
    for (const call of [...this.#calls]) {
      const error = new McpError(errorCodes.internalError, message)
      call.abort(new DOMException(message, 'AbortError'), { error })
    }
    // The answers are sent in later microtasks: before the streams end.
    await setImmediate()
  }
}
