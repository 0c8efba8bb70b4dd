import { setImmediate } from 'node:timers/promises'
import { errorCodes, McpError } from '@tidings/protocol'
import type { Call } from './call.ts'
import { within } from './within.ts'

/** All requests of a mount that are being answered, for it to stop gracefully. */
export class Calls {
  readonly #calls = new Set<Call>()

  get size(): number {
    return this.#calls.size
  }

  add(call: Call): void {
    this.#calls.add(call)
  }

  delete(call: Call): void {
    this.#calls.delete(call)
  }

  /** Lets what is in flight finish until the deadline, then answers it with an error. */
  async close(deadlineMs: number): Promise<void> {
    await within(
      deadlineMs,
      [...this.#calls].map((call) => call.finished()),
    )
    const message = 'The server is stopping'
    for (const call of this.#calls) {
      const error = new McpError(errorCodes.internalError, message)
      call.abort(new DOMException(message, 'AbortError'), { error })
    }
    // Answers are sent by what waits for them: let them be, before the streams end.
    await setImmediate()
  }
}
