import type { JSONRPCRequest, McpError } from '@tidings/protocol'

/** A request that is being answered, and what can stop it. */
export class Call {
  readonly request: JSONRPCRequest
  readonly #stopped: (answer: McpError | undefined) => void
  #controller: AbortController | undefined
  #reason: Error | undefined
  #over = false
  #whenOver: (() => void)[] | undefined

  /** @param stopped called when the call is aborted, with the error to answer, if it is to be answered at all. */
  constructor(request: JSONRPCRequest, stopped: (answer: McpError | undefined) => void) {
    this.request = request
    this.#stopped = stopped
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

  finish(): void {
    this.#over = true
    this.#whenOver?.forEach((resolve) => resolve())
  }

  /** Stops the call: its handler is told by the signal, and the peer is answered `answer` if there is one. */
  abort(reason: Error, answer?: McpError): void {
    if (this.#over) return
    this.finish()
    this.#reason = reason
    this.#controller?.abort(reason)
    this.#stopped(answer)
  }
}
