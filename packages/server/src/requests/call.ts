import { setImmediate } from 'node:timers/promises'
import { errorCodes, type JSONRPCRequest, McpError, type Result } from '@tidings/protocol'
import { settledWithin } from '../async/deadline.ts'
import type { Principal } from './principal.ts'

/** The outcome of a request. */
export type CallOutcome = { result: Result } | { error: McpError }

/** A request that is being answered, and the means to stop it. */
export class Call {
  readonly request: JSONRPCRequest
  readonly principal: Principal
  /** The index among all calls, for `Calls`. */
  place = 0
  readonly #onOutcome: (outcome: CallOutcome | undefined) => void
  #controller: AbortController | undefined
  #reason: Error | undefined
  #over = false
  #whenOver: (() => void)[] | undefined

  /** @param onOutcome called once: with the outcome, or with undefined when no answer is wanted any more. */
  constructor(
    request: JSONRPCRequest,
    principal: Principal,
    onOutcome: (outcome: CallOutcome | undefined) => void,
  ) {
    this.request = request
    this.principal = principal
    this.#onOutcome = onOutcome
  }

  /** Aborted when the answer is no longer wanted. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** True once the request is answered or aborted: nothing more is sent for it. */
  get over(): boolean {
    return this.#over
  }

  /** Settles when the call is answered or aborted. */
  finished(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#over) resolve()
      else (this.#whenOver ??= []).push(resolve)
    })
  }

  /** Settles the call. Only the first outcome counts. */
  settle(outcome: CallOutcome | undefined): void {
    if (this.#over) return
    this.#over = true
    this.#onOutcome(outcome)
    this.#whenOver?.forEach((resolve) => resolve())
  }

  /** Stops the call: the signal of its handler aborts, and the peer gets the outcome, if there is one. */
  abort(reason: Error, outcome?: CallOutcome): void {
    if (this.#over) return
    this.#reason = reason
    this.#controller?.abort(reason)
    this.settle(outcome)
  }
}

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
    await this.#abort(this.#calls, 'The server is stopping')
  }

  /** Answers the requests of the principal with an error. */
  end(principal: string): Promise<void> {
    const calls = this.#calls.filter((call) => call.principal === principal)
    return this.#abort(calls, 'The server has ended the requests of this principal')
  }

  async #abort(calls: readonly Call[], message: string): Promise<void> {
    for (const call of [...calls]) {
      const error = new McpError(errorCodes.internalError, message)
      call.abort(new DOMException(message, 'AbortError'), { error })
    }
    // The answers are sent in later microtasks: before the streams end.
    await setImmediate()
  }
}
