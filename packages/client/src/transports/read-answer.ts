import {
  isResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type JSONRPCResponse,
  parseJson,
  parseMessage,
  type RequestId,
} from '@tidings/protocol'
import { Deferred } from '../async/deferred.ts'
import { Backoff } from '../async/reconnect.ts'
import { abortable, type Signal } from '../async/signals.ts'
import { ConnectionError, HttpError, isTemporary, ProtocolError } from '../errors.ts'
import type { HttpResponse } from '../http/http-client.ts'
import { httpError, isEventStream, isSuccess, type OpenStream } from '../http/http.ts'
import { readAll, readStart } from '../http/read-body.ts'
import { EventStream, type EventStreamOptions } from './event-stream.ts'

/** Options of {@link readAnswer}. The listener receives the messages that precede the response. */
export interface AnswerOptions extends Pick<
  EventStreamOptions,
  'maxMessageLength' | 'logger' | 'listener' | 'onRetry'
> {
  url: URL
  signal: Signal
  /** Whether the request belongs to a session, which may be gone. */
  isInSession?: boolean
  /** Opens the stream again after it broke off. Without it, the request fails then. */
  reopen?: (options: OpenStream) => Promise<HttpResponse>
}

// With these statuses a server, or a gateway in front of it, says who may send requests, and when. They are errors of
// HTTP whatever the body says.
const aboutAccess = [401, 403, 429, 502, 503, 504]

/**
 * Reads the response to a request from an HTTP response: its body, of whatever media type, or one of the messages of
 * its event stream. With an HTTP error status, a JSON-RPC error in the body is the response.
 *
 * @throws {HttpError} when the status is an error, and the body is no response to the request.
 */
export async function readAnswer(
  response: HttpResponse,
  request: JSONRPCRequest,
  options: AnswerOptions,
): Promise<JSONRPCResponse> {
  const { status } = response
  const isOk = isSuccess(response)
  if (isOk && isEventStream(response)) return readStream(response, request, options)
  const text = await (isOk ? readText(response, options) : readStart(response, options.maxMessageLength))
  options.signal.throwIfAborted()
  // The error that answers an unreadable request has no id. In a session, and from a gateway, it may be about anything.
  const needsId = !isOk && (status >= 500 || options.isInSession === true)
  let answer: JSONRPCResponse | undefined
  for (const message of messagesIn(text)) {
    if (isResponse(message)) {
      if (isSameId(message.id ?? (needsId ? undefined : request.id), request.id)) answer ??= message
    } else if (isOk) options.listener.message(message)
  }
  if (answer && (isOk || ('error' in answer && !aboutAccess.includes(status)))) return answer
  if (!isOk) throw httpError('POST', options.url, response, text)
  throw new ProtocolError(
    `The server answered ${request.method} with something other than its response: ${text.slice(0, 200)}`,
  )
}

/** Whether two ids are the same. Some servers send an id back as a string. */
function isSameId(one: RequestId | null | undefined, other: RequestId): boolean {
  return String(one) === String(other)
}

/** Reads the whole body as text. */
async function readText(
  response: HttpResponse,
  { maxMessageLength, signal }: Pick<AnswerOptions, 'maxMessageLength' | 'signal'>,
): Promise<string> {
  try {
    return await readAll(response, maxMessageLength, isJson)
  } catch (cause) {
    signal.throwIfAborted()
    if (cause instanceof ProtocolError) throw cause
    throw new ConnectionError('The response broke off', { cause })
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    // The rest may still come.
    return false
  }
}

/** Parses a text as a message, or as a batch of them. Returns none when it is neither. */
function messagesIn(text: string): JSONRPCMessage[] {
  try {
    const value = parseJson(text) as { id?: unknown } | { id?: unknown }[]
    return (Array.isArray(value) ? value : [value]).map((message) => {
      // An error without an id may have null for it.
      if (message.id === null) delete message.id
      return parseMessage(message)
    })
  } catch {
    // The caller reports the text.
    return []
  }
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
      if (isSameId(other.id, request.id)) answer.resolve(other)
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
