import type { JSONRPCRequest, McpError, Result } from '@tidings/protocol'

/** How a request is answered: by neither, when nobody wants the answer any more. */
export type Answer = { result: Result } | { error: McpError } | undefined

/** A request that is being answered, and what can stop it. */
export class Call {
  readonly request: JSONRPCRequest
  /** Among all that are being answered: for `Calls`. */
  place = 0
  readonly #answer: (answer: Answer) => void
  #controller: AbortController | undefined
  #reason: Error | undefined
  #over = false
  #whenOver: (() => void)[] | undefined

  /** @param answer called once, when it is known. */
  constructor(request: JSONRPCRequest, answer: (answer: Answer) => void) {
    this.request = request
    this.#answer = answer
  }

  /** Aborted when the answer is no longer wanted. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** True once it is answered or aborted: nothing is to be sent for it any more. */
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

  /** Answers. Only the first answer counts. */
  settle(answer: Answer): void {
    if (this.#over) return
    this.#over = true
    this.#answer(answer)
    this.#whenOver?.forEach((resolve) => resolve())
  }

  /** Stops the call: its handler is told by the signal, and the peer is answered `answer` if there is one. */
  abort(reason: Error, answer?: Answer): void {
    if (this.#over) return
    this.#reason = reason
    this.#controller?.abort(reason)
    this.settle(answer)
  }
}
