import { type InputRequest, type InputRequiredResult, isInputRequired, type Result } from '@tidings/protocol'
import { Backoff } from '../async/reconnect.ts'
import type { Signal } from '../async/signals.ts'
import { oneOperation, type OperationBounds } from '../calls/one-operation.ts'
import { ProtocolError } from '../errors.ts'

/** The number of rounds after which the client takes it that the server never completes the request. */
const maxRounds = 10
/** The number of requests that the server may put into one result. */
const maxInputs = 100

/** Sends a request with additional params. */
type Send = (more: object, signal: Signal | undefined) => Promise<Result>

/** Answers a request of the server. */
type Answer = (request: InputRequest, signal: Signal) => Promise<object>

/**
 * Sends a request, and sends it again with the input that the server requires, until the result is complete. All of
 * this is one operation.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr
 */
export async function withInput(
  method: string,
  send: Send,
  answer: Answer,
  bounds: OperationBounds,
): Promise<Result> {
  const beganAt = performance.now()
  // Most requests need one round, so the state of further rounds is made only for them.
  const result = await send({}, bounds.signal)
  if (!isInputRequired(result)) return result
  return oneOperation(method, { beganAt, ...bounds }, (signal) =>
    answerRounds(method, send, answer, result, signal),
  )
}

async function answerRounds(
  method: string,
  send: Send,
  answer: Answer,
  required: InputRequiredResult,
  signal: Signal,
): Promise<Result> {
  const backoff = new Backoff()
  let askedForNothing = false
  for (let round = 1; round <= maxRounds; round++) {
    const { inputRequests, requestState } = required
    if (askedForNothing && !inputRequests) await backoff.pause({ livedMs: 0 }, signal)
    askedForNothing = !inputRequests
    const more = {
      ...(inputRequests && { inputResponses: await answersTo(method, inputRequests, answer, signal) }),
      ...(requestState !== undefined && { requestState }),
    }
    const result = await send(more, signal)
    if (!isInputRequired(result)) return result
    required = result
  }
  throw new ProtocolError(`${method}: the server required input ${maxRounds + 1} times, and gave no result`)
}

async function answersTo(
  method: string,
  requests: Record<string, InputRequest>,
  answer: Answer,
  signal: Signal,
): Promise<Record<string, object>> {
  const entries = Object.entries(requests)
  if (entries.length > maxInputs) {
    throw new ProtocolError(
      `${method}: the server required ${entries.length} inputs at once; this client answers at most ${maxInputs}`,
    )
  }
  const answers = entries.map(async ([key, request]) => [key, await answer(request, signal)] as const)
  return Object.fromEntries(await Promise.all(answers))
}
