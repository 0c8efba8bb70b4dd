import { type InputRequest, type InputRequiredResult, isInputRequired, type Result } from '@tidings/protocol'
import { ProtocolError, TimeoutError } from '../errors.ts'
import { Backoff } from '../async/reconnect.ts'
import { after, LinkedController, type Signal } from '../async/signals.ts'

/** How often a request is made again with input, before the server is taken to go round in circles. */
const mostRounds = 10

/** What {@link withInput} is done with. */
export interface InputOptions {
  /** Sends the request with these params more than it has by itself. */
  send: (more: object, signal: Signal | undefined) => Promise<Result>
  /** Answers one request of the server's. */
  answer: (request: InputRequest, signal: Signal) => Promise<object>
  signal: Signal | undefined
  closing: Signal
  totalTimeoutMs: number
}

/**
 * Makes a request, and makes it again with the input the server requires, until it is complete.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr
 */
export async function withInput(method: string, options: InputOptions): Promise<Result> {
  const beganAt = performance.now()
  // Nearly always this is all: what further rounds need is made for them only.
  const result = await options.send({}, options.signal)
  if (!isInputRequired(result)) return result
  return goOn(method, result, performance.now() - beganAt, options)
}

async function goOn(
  method: string,
  required: InputRequiredResult,
  takenMs: number,
  { send, answer, signal, closing, totalTimeoutMs }: InputOptions,
): Promise<Result> {
  const abort = new LinkedController(signal, closing)
  const stop = after(totalTimeoutMs - takenMs, () =>
    abort.abort(new TimeoutError(`${method}: no result within ${totalTimeoutMs} ms (totalTimeoutMs)`)),
  )
  const backoff = new Backoff()
  let askedForNothing = false
  try {
    for (let round = 1; round <= mostRounds; round++) {
      const { inputRequests, requestState } = required
      if (askedForNothing && !inputRequests) await backoff.pause({ livedMs: 0 }, abort.signal)
      askedForNothing = !inputRequests
      const answers = Object.entries(inputRequests ?? {}).map(
        async ([key, request]) => [key, await answer(request, abort.signal)] as const,
      )
      const more = {
        ...(inputRequests && { inputResponses: Object.fromEntries(await Promise.all(answers)) }),
        ...(requestState !== undefined && { requestState }),
      }
      const result = await send(more, abort.signal)
      if (!isInputRequired(result)) return result
      required = result
    }
    throw new ProtocolError(
      `${method}: the server required input ${mostRounds + 1} times, and gave no result`,
    )
  } catch (error) {
    // When one handler has failed, the others need not go on.
    abort.abort()
    throw error
  } finally {
    stop()
    abort.release()
  }
}
