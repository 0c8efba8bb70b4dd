import {
  errorCodes,
  type InputRequests,
  type InputResponses,
  type JSONRPCRequest,
  McpError,
  mayRequireInput,
  type ParamsOf,
  parseResult,
  type RequestToClient,
  type ResultOf,
} from '@tidings/protocol'
import type { Call } from './call.ts'
import type { RequestIdentity, RequestStates } from './request-state.ts'

/**
 * The questions of one request of revision 2026-07-28, over the rounds it takes. A question that the client has answered is
 * answered at once. The first question without an answer ends the run: the client gets the result that input is required, and
 * makes the request again.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr
 */
export class InputRounds {
  readonly #states: RequestStates
  readonly #identity: RequestIdentity
  readonly #answers: InputResponses
  readonly #mayAsk: boolean
  #required: InputRequests | undefined
  #asked = 0

  /** @throws {McpError} `invalidParams` when the `requestState` belongs to another request. */
  constructor({ method, params = {} }: JSONRPCRequest, principal: string | undefined, states: RequestStates) {
    const { inputResponses = {}, requestState, ...rest } = params as Record<string, unknown>
    const salient = { ...rest, _meta: undefined }
    this.#states = states
    this.#identity = { principal, method, salient }
    this.#mayAsk = mayRequireInput(method)
    const before = typeof requestState === 'string' ? states.open(requestState, this.#identity) : {}
    this.#answers = Object.assign(Object.create(null), before, inputResponses) as InputResponses
  }

  async ask<M extends RequestToClient>(
    method: M,
    params: ParamsOf<M>,
    key = `ask-${++this.#asked}`,
    call: Call,
  ): Promise<ResultOf<M>> {
    if (!this.#mayAsk) {
      const message = `${this.#identity.method} cannot ask the client: only tools, prompts and reads of resources can`
      throw new McpError(errorCodes.invalidRequest, message)
    }
    const answer = this.#answerTo(method, key)
    if (answer !== undefined) return answer
    // What JSON cannot express fails here, where it is asked, and not later, when the handler cannot be told.
    const question = JSON.parse(JSON.stringify({ method, params })) as InputRequests[string]
    if (this.#required === undefined) {
      this.#required = {}
      // Questions of the same tick go in one round.
      setImmediate(() => this.#suspend(call))
    }
    this.#required[key] = question
    return new Promise((_resolve, reject) => call.onceOver(() => reject(call.endReason)))
  }

  #answerTo<M extends RequestToClient>(method: M, key: string): ResultOf<M> | undefined {
    const given = this.#answers[key]
    if (given === undefined) return undefined
    try {
      return parseResult(method, given)
    } catch {
      return undefined // An invalid answer is asked for again.
    }
  }

  #suspend(call: Call): void {
    const reason = new DOMException('Run again when the client has answered', 'AbortError')
    call.abort(reason, () => {
      const requestState = this.#states.seal(this.#answers, this.#identity)
      return { result: { resultType: 'input_required', inputRequests: this.#required, requestState } }
    })
  }
}
