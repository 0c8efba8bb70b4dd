import type { JSONRPCRequest, McpError, Result } from '@tidings/protocol'

/** The outcome of a request. */
export type CallOutcome = { result: Result } | { error: McpError }

/** A request that is being answered, and the means to stop it. */
export class Call {
  readonly request: JSONRPCRequest
  /** The index among all calls, for `Calls`. */
  place = 0
  readonly #onOutcome: (outcome: CallOutcome | undefined) => void
  #controller: AbortController | undefined
  #reason: Error | undefined
  #over = false
  #whenOver: (() => void)[] | undefined

  /** @param onOutcome called once: with the outcome, or with undefined when no answer is wanted any more. */
  constructor(request: JSONRPCRequest, onOutcome: (outcome: CallOutcome | undefined) => void) {
    this.request = request
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
