import {
  isResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type JSONRPCResponse,
  mediaTypes,
  parseJson,
  parseMessage,
} from '@tidings/protocol'
import { Deferred } from '../async/deferred.ts'
import { ConnectionError, HttpError, isTransient, ProtocolError } from '../errors.ts'
import { Backoff } from '../async/reconnect.ts'
import { abortable, type Signal } from '../async/signals.ts'
import { EventStream } from './event-stream.ts'
import { isEventStream, mediaType, type OpenStream } from '../http/http.ts'
import type { HttpResponse } from '../http/http-client.ts'
import { readAll } from '../http/read-body.ts'
import type { TransportOptions } from './transport.ts'

/** How the response to a request is read out of an HTTP response. */
export interface AnswerOptions extends Pick<TransportOptions, 'maxMessageLength' | 'logger'> {
  signal: Signal
  /** Given what comes before it, when it comes on a stream. */
  received: (message: JSONRPCMessage) => void
  /** Goes on with a stream that broke off. Without it that is the end. */
  reopen?: (options: OpenStream) => Promise<HttpResponse>
  /** Told how long the server asks a reader to wait. */
  onRetry?: (retryMs: number) => void
}

/** The response to a request: the body of the HTTP response, or one of the messages on it. */
export async function readAnswer(
  response: HttpResponse,
  message: JSONRPCRequest,
  options: AnswerOptions,
): Promise<JSONRPCResponse> {
  if (isEventStream(response)) return readStream(response, message, options)
  const text = await readText(response, options)
  const answer = mediaType(response) === mediaTypes.json ? messageIn(text) : undefined
  if (answer && isResponse(answer) && (answer.id ?? message.id) === message.id) return answer
  const what = `The server answered ${message.method} with what is not its response`
  throw new ProtocolError(`${what}: ${text.slice(0, 200)}`)
}

/** The body, whole. */
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

/** The message that a text is; undefined when it is none. */
export function messageIn(text: string): JSONRPCMessage | undefined {
  try {
    const value = parseJson(text) as { id?: unknown }
    // An error that answers what could not be read has no id, or null for one.
    if (value.id === null) delete value.id
    return parseMessage(value)
  } catch {
    // What it is instead is said by who wanted a message.
    return undefined
  }
}

async function readStream(
  response: HttpResponse,
  message: JSONRPCRequest,
  { received, reopen, signal, ...options }: AnswerOptions,
): Promise<JSONRPCResponse> {
  const answer = new Deferred<JSONRPCResponse>()
  // The server polls by what it asks for with `retry:`, to the millisecond.
  const backoff = new Backoff(() => 0)
  let reached: string | undefined
  const stream = new EventStream({
    ...options,
    mayBeQuiet: !reopen && message.method !== 'subscriptions/listen',
    onMessage: (other) => {
      if (!isResponse(other)) received(other)
      else if (other.id === message.id) answer.resolve(other)
      else options.logger.warn({ id: other.id }, 'the server answered another request than this')
    },
    // Some servers open the stream of HTTP+SSE whatever the method.
    onEvent: (type) => {
      if (type === 'endpoint')
        answer.reject(new ProtocolError('The server answered by the stream of HTTP+SSE'))
    },
    onLost: (error) => void goOn(error).catch(answer.reject),
  })

  async function goOn(lostBy: Error): Promise<void> {
    for (let error = lostBy; ;) {
      const { lastEventId, retryMs } = stream
      if (!reopen || lastEventId === undefined) throw error
      if (!isTransient(error)) {
        // Whatever its status says of the request that was to resume it: the one before may have run.
        throw new ConnectionError('The stream of the response could not be resumed', { cause: error })
      }
      // A connection that has brought something was a good one, however short.
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
