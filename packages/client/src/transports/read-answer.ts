import { isResponse, type JSONRPCMessage, type JSONRPCRequest, type JSONRPCResponse } from '@tidings/protocol'
import { Deferred } from '../async/deferred.ts'
import { Backoff } from '../async/reconnect.ts'
import { abortable, type Signal } from '../async/signals.ts'
import { ConnectionError, HttpError, isTemporary, ProtocolError } from '../errors.ts'
import type { HttpResponse } from '../http/http-client.ts'
import { isEventStream, type OpenStream } from '../http/http.ts'
import { readAll } from '../http/read-body.ts'
import { EventStream, type EventStreamOptions } from './event-stream.ts'
import { readMessages } from './read-messages.ts'

/** Options of {@link readAnswer}. The listener receives the messages that precede the response on a stream. */
export interface AnswerOptions extends Pick<
  EventStreamOptions,
  'maxMessageLength' | 'logger' | 'listener' | 'onRetry'
> {
  signal: Signal
  /** Opens the stream again after it broke off. Without it, the request fails then. */
  reopen?: (options: OpenStream) => Promise<HttpResponse>
}

/** Reads the response to a request from an HTTP response: its JSON body, or one of the messages of its event stream. */
export async function readAnswer(
  response: HttpResponse,
  request: JSONRPCRequest,
  options: AnswerOptions,
): Promise<JSONRPCResponse> {
  if (isEventStream(response)) return readStream(response, request, options)
  const text = await readText(response, options)
  const answer = answerIn(text, request, options)
  if (answer) return answer
  throw new ProtocolError(
    `The server answered ${request.method} with something other than its response: ${text.slice(0, 200)}`,
  )
}

/** Reads the whole body as text. */
export async function readText(
  response: HttpResponse,
  { maxMessageLength, signal }: Pick<AnswerOptions, 'maxMessageLength' | 'signal'>,
): Promise<string> {
  try {
    return await readAll(response, maxMessageLength)
  } catch (cause) {
    signal.throwIfAborted()
    if (cause instanceof ProtocolError) throw cause
    throw new ConnectionError('The response broke off', { cause })
  }
}

/**
 * Finds the response to a request in a JSON text, whatever the server says of its type. The listener receives the other
 * messages. Undefined when it is not there.
 *
 * @throws {ProtocolError} when the text is past the bounds of a message.
 */
export function answerIn(
  text: string,
  request: JSONRPCRequest,
  options: Pick<AnswerOptions, 'maxMessageLength' | 'logger' | 'listener'>,
): JSONRPCResponse | undefined {
  let messages: JSONRPCMessage[]
  try {
    messages = readMessages(text, options)
  } catch (error) {
    if (error instanceof ProtocolError) throw error
    // The caller reports the text.
    return undefined
  }
  let answer: JSONRPCResponse | undefined
  for (const message of messages) {
    if (!isResponse(message)) options.listener.message(message)
    else if (isAnswerTo(request, message)) answer = message
  }
  return answer
}

/** The error that answers an unreadable request has no id. */
function isAnswerTo({ id }: JSONRPCRequest, response: JSONRPCResponse): boolean {
  return (response.id ?? id) === id
}

async function readStream(
  response: HttpResponse,
  request: JSONRPCRequest,
  { reopen, signal, ...options }: AnswerOptions,
): Promise<JSONRPCResponse> {
  const answer = new Deferred<JSONRPCResponse>()
  // With `retry:` the server asks to be polled at exactly this interval.
  const backoff = new Backoff(() => 0)
  let reached: string | undefined
  const stream = new EventStream({
    ...options,
    mayBeQuiet: !reopen && request.method !== 'subscriptions/listen',
    onResponse: (other) => {
      if (isAnswerTo(request, other)) answer.resolve(other)
      else options.logger.warn({ id: other.id }, 'the server answered another request on this stream')
    },
    // Some servers open the stream of HTTP+SSE for any HTTP method.
    onEvent: (type) => {
      if (type === 'endpoint')
        answer.reject(new ProtocolError('The server answered with the stream of HTTP+SSE'))
    },
    onLost: (error) => void resume(error).catch(answer.reject),
  })

  async function resume(lostBy: Error): Promise<void> {
    for (let error = lostBy; ;) {
      const { lastEventId, retryMs } = stream
      if (!reopen || lastEventId === undefined) throw error
      if (!isTemporary(error)) {
        // The status is about the attempt to resume. The original request may have run.
        throw new ConnectionError('The stream of the response could not be resumed', { cause: error })
      }
      // A connection that delivered an event was a good one, however short.
      const livedMs = lastEventId === reached ? 0 : Infinity
      reached = lastEventId
      const retryAfterMs = error instanceof HttpError ? error.retryAfterMs : undefined
      await backoff.pause({ livedMs, retryMs, retryAfterMs }, signal)
      try {
        await stream.open(reopen, { resume: true, signal })
        return
      } catch (failed) {
        error = failed as Error
      }
    }
  }

  try {
    await stream.open(async () => response, { resume: false, signal })
    return await abortable(answer.promise, signal)
  } finally {
    stream.end()
  }
}
