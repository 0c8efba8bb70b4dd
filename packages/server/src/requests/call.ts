import { setImmediate } from 'node:timers/promises'
import { errorCodes, type JSONRPCRequest, McpError, type Result } from '@tidings/protocol'
import { longestTimerMs, settledWithin } from '../async/deadline.ts'
import type { InFlight } from '../quota.ts'
import type { EncodedResponse } from './encode.ts'
import type { Outlet, Peer, PeerCall } from './peer.ts'

/** The outcome of a request. */
export type CallOutcome = { result: Result } | { error: McpError }

/** Makes the responses of calls. None of its methods throws, whatever a handler has returned or thrown. */
export interface CallAnswerer {
  encode(call: Call, outcome: CallOutcome | (() => CallOutcome)): EncodedResponse
  errorOf(call: Call, thrown: unknown): McpError
}

/** A request that is being answered, and the means to stop it. No method throws. */
export class Call implements PeerCall {
  readonly request: JSONRPCRequest
  readonly peer: Peer
  /** Takes what is sent before the response. */
  readonly outlet: Outlet
  /** The index among all calls, for `Calls`. */
  place = 0
  /** True when `Calls` has seen that the request is not answered yet. */
  seenWaiting = false
  readonly #answerer: CallAnswerer
  readonly #inFlight: InFlight
  readonly #resolve: (response: EncodedResponse | undefined) => void
  #controller: AbortController | undefined
  #reason: Error | undefined
  #over = false
  /** True while the handler of a call that was aborted still runs. */
  #abandoned = false
  #timer: NodeJS.Timeout | undefined
  #whenOver: Set<() => void> | undefined

  /**
   * @param inFlight counts the call for as long as its handler runs.
   * @param resolve called once: with the response, or with undefined when no answer is wanted any more.
   */
  constructor(
    request: JSONRPCRequest,
    peer: Peer,
    outlet: Outlet,
    answerer: CallAnswerer,
    inFlight: InFlight,
    resolve: (response: EncodedResponse | undefined) => void,
  ) {
    this.request = request
    this.peer = peer
    this.outlet = outlet
    this.#answerer = answerer
    this.#inFlight = inFlight
    this.#resolve = resolve
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

  /** The reason for which nothing can be asked of the client for a call that is over. */
  get endReason(): Error {
    return this.#reason ?? new DOMException('The request is answered: it can ask nothing more', 'AbortError')
  }

  /** Calls back when the call is over: now, if it is already. */
  onceOver(callback: () => void): void {
    if (this.#over) callback()
    else (this.#whenOver ??= new Set()).add(callback)
  }

  offOver(callback: () => void): void {
    this.#whenOver?.delete(callback)
  }

  /** Aborts the call when it takes longer. */
  limit(ms: number, onTimeout: () => void): void {
    if (!this.#over) this.#timer = setTimeout(onTimeout, ms)
  }

  /** The handler has returned. Only the first outcome of a call counts. */
  settle(outcome: CallOutcome): void {
    if (this.#over) return this.#release()
    // This may run code of the handler: getters, and `toJSON`.
    const response = this.#answerer.encode(this, outcome)
    if (this.#over) this.#release()
    else this.#end(response)
  }

  /** The handler has thrown. */
  fail(thrown: unknown): void {
    if (this.#over) this.#release()
    else this.settle({ error: this.#answerer.errorOf(this, thrown) })
  }

  /**
   * Stops the call: the signal of its handler aborts, and the peer gets the outcome, if there is one. The handler may go on for
   * as long as it likes, and counts as in flight until then.
   */
  abort(reason: Error, outcome?: CallOutcome | (() => CallOutcome)): void {
    if (this.#over) return
    const response = outcome && this.#answerer.encode(this, outcome)
    this.#reason = reason
    this.#controller?.abort(reason)
    if (this.#over) return
    this.#abandoned = true
    this.#inFlight.keepOne()
    if (this.peer.session !== undefined) this.peer.session.abandonedCalls++
    this.#end(response)
  }

  #end(response: EncodedResponse | undefined): void {
    this.#over = true
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    this.#whenOver?.forEach((callback) => callback())
    this.#whenOver = undefined
    this.peer.over(this)
    this.#resolve(response)
  }

  /** The handler of a call that is over has settled. */
  #release(): void {
    if (!this.#abandoned) return
    this.#abandoned = false
    this.#inFlight.releaseOne()
    if (this.peer.session !== undefined) this.peer.session.abandonedCalls--
  }
}

/**
 * All requests of a mount that are being answered. A mount needs them to stop gracefully. One timer looks after those that take
 * long; there is none while there are none.
 */
export class Calls {
  // No Set: a set is laid out anew again and again when entries come and go all the time.
  readonly #calls: Call[] = []
  readonly #lookMs: number
  #timer: NodeJS.Timeout | undefined

  /** @param keepAliveMs the time within which the client of a request that takes long gets a sign of life. */
  constructor(keepAliveMs: number) {
    this.#lookMs = Math.min(keepAliveMs / 2, longestTimerMs)
  }

  get size(): number {
    return this.#calls.length
  }

  add(call: Call): void {
    call.place = this.#calls.push(call) - 1
    this.#timer ??= setInterval(this.#look, this.#lookMs).unref()
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
      this.#calls.map((call) => new Promise<void>((resolve) => call.onceOver(resolve))),
    )
    await this.#abort(this.#calls, 'The server is stopping')
  }

  /** Answers the requests of the principal with an error. */
  end(principal: string): Promise<void> {
    const calls = this.#calls.filter(({ peer }) => peer.principal === principal)
    return this.#abort(calls, 'The server has ended the requests of this principal')
  }

  async #abort(calls: readonly Call[], message: string): Promise<void> {
    for (const call of [...calls]) {
      const error = new McpError(errorCodes.internalError, message)
      call.abort(new DOMException(message, 'AbortError'), { error })
    }
    this.#stopLooking()
    // The answers are sent in later microtasks: before the streams end.
    await setImmediate()
  }

  #stopLooking(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  // A call that is seen twice has waited for half of `keepAliveMs` at least, and for no more than the whole.
  readonly #look = (): void => {
    if (this.#calls.length === 0) return this.#stopLooking()
    for (const call of [...this.#calls]) {
      if (call.seenWaiting) keepAlive(call)
      call.seenWaiting = true
    }
  }
}

function keepAlive(call: Call): void {
  try {
    call.outlet.keepAlive()
  } catch (cause) {
    // The response cannot be begun: somebody else has, such as middleware that did not wait.
    call.abort(cause as Error)
  }
}
