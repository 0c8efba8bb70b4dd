import { type InputRequiredResult, isInputRequired, type Result } from '@tidings/protocol'
import { Backoff } from '../async/reconnect.ts'
import { after, LinkedController, type Signal } from '../async/signals.ts'
import { ProtocolError, TimeoutError } from '../errors.ts'
import type { Inbound } from '../messages/inbound.ts'

/** The number of rounds after which the client takes it that the server never completes the request. */
const maxRounds = 10

/** Sends a request with additional params. */
type Send = (more: object, signal: Signal | undefined) => Promise<Result>

/** Options of {@link withInput}. */
interface InputOptions {
  /** Answers the requests of the server. */
  inbound: Pick<Inbound, 'input'>
  signal: Signal | undefined
  closing: Signal
  totalTimeoutMs: number
}

/**
 * Sends a request, and sends it again with the input that the server requires, until the result is complete.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr
 */
export async function withInput(method: string, send: Send, options: InputOptions): Promise<Result> {
  const beganAt = performance.now()
  // Most requests need one round, so the state of further rounds is made only for them.
  const result = await send({}, options.signal)
  if (!isInputRequired(result)) return result
  return answerRounds(method, send, result, performance.now() - beganAt, options)
}

async function answerRounds(
  method: string,
  send: Send,
  required: InputRequiredResult,
  takenMs: number,
  { inbound, signal, closing, totalTimeoutMs }: InputOptions,
): Promise<Result> {
  const abort = new LinkedController(signal, closing)
  const stop = after(totalTimeoutMs - takenMs, () =>
    abort.abort(new TimeoutError(`${method}: no result within ${totalTimeoutMs} ms (totalTimeoutMs)`)),
  )
  const backoff = new Backoff()
  let askedForNothing = false
  try {
    for (let round = 1; round <= maxRounds; round++) {
      const { inputRequests, requestState } = required
      if (askedForNothing && !inputRequests) await backoff.pause({ livedMs: 0 }, abort.signal)
      askedForNothing = !inputRequests
      const answers = Object.entries(inputRequests ?? {}).map(
        async ([key, request]) => [key, await inbound.input(request, abort.signal)] as const,
      )
      const more = {
        ...(inputRequests && { inputResponses: Object.fromEntries(await Promise.all(answers)) }),
        ...(requestState !== undefined && { requestState }),
      }
      const result = await send(more, abort.signal)
      if (!isInputRequired(result)) return result
      required = result
    }
    throw new ProtocolError(`${method}: the server required input ${maxRounds + 1} times, and gave no result`)
  } catch (error) {
    // When one handler has failed, the others are aborted.
    abort.abort()
    throw error
  } finally {
    stop()
    abort.release()
  }
}
