import { McpError } from '@tidings/protocol'

export { McpError } from '@tidings/protocol'

interface Details {
  cause?: unknown
  mayHaveRun?: boolean
}

/**
 * The base class of the errors that the client raises itself: no connection, no answer in time, an answer that the
 * protocol does not allow. An error that the server answered is an {@link McpError}.
 */
export abstract class ClientError extends Error {
  /**
   * Whether the server may have acted on the request. When it is false, you can safely send the request again. When it
   * is true, send it again only if it may run twice.
   */
  readonly mayHaveRun: boolean

  constructor(message: string, { cause, mayHaveRun = true }: Details = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.mayHaveRun = mayHaveRun
  }
}

/** The server could not be reached, or the connection was lost while the request was in flight. */
export class ConnectionError extends ClientError {
  override readonly name: string = 'ConnectionError'
}

/** The server did not answer in time. */
export class TimeoutError extends ClientError {
  override readonly name: string = 'TimeoutError'
}

/** The client is closed. `cause` is absent after `close()`; otherwise it is the error that ended the connection. */
export class ClosedError extends ClientError {
  override readonly name: string = 'ClosedError'
}

/** The server sent something that the protocol does not allow. */
export class ProtocolError extends ClientError {
  override readonly name: string = 'ProtocolError'
}

/** The client cannot or must not talk to this server. Connecting again does not help. */
export class RefusedError extends ProtocolError {
  override readonly name: string = 'RefusedError'
}

/** Server and client have no protocol revision in common. */
export class RevisionError extends RefusedError {
  /** The revisions of the server. */
  readonly supported: readonly string[]

  constructor(supported: readonly string[], spoken: readonly string[]) {
    const theirs = supported.join(', ') || 'it does not name'
    super(`The server speaks revision ${theirs}; this client speaks ${spoken.join(', ')}`)
    this.supported = supported
  }
}

/** The fields of an {@link HttpError}. */
export interface HttpErrorInit {
  status: number
  /** The start of the response body. */
  body: string
  retryAfterMs?: number | undefined
}

/** The server answered with an HTTP status that does not mean success. */
export class HttpError extends ClientError {
  override readonly name: string = 'HttpError'
  /** The HTTP status. A browser reports a redirect as 0. */
  readonly status: number
  /** The start of the response body: at most 1,000 characters. */
  readonly body: string
  /** The delay that the server asked for with `Retry-After`, in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, { status, body, retryAfterMs }: HttpErrorInit) {
    // A 4xx and a 503 refuse the request before it runs. Another 5xx may come after the server acted.
    super(message, { mayHaveRun: status >= 500 && status !== 503 })
    this.status = status
    this.body = body
    this.retryAfterMs = retryAfterMs
  }
}

/** The server does not know the session any more. The client begins a new one. */
export class SessionGoneError extends HttpError {
  override readonly name: string = 'SessionGoneError'
}

/** The statuses that say that a session is gone. The specification has 404. */
export const goneStatuses: readonly number[] = [404, 410]

/** Returns the error that says that the session is gone, if that is what the error of a request in a session means. */
export function asSessionGone(error: unknown): SessionGoneError | undefined {
  const isGone = hasStatus(error, ...goneStatuses) || (hasStatus(error, 400) && isAboutSession(error.body))
  return isGone ? new SessionGoneError(error.message, error) : undefined
}

/**
 * True when a text is about the session of a request. Some servers say only with the text of an error, or of the body of
 * a response, that a session is gone.
 */
export function isAboutSession(text: string): boolean {
  return /session/i.test(text)
}

/**
 * Returns the error with a message that names the request and the server. It is a copy when the message changes: one
 * error may end many requests.
 */
export function named(error: unknown, method: string, server: string): unknown {
  if (!(error instanceof ClientError)) return error
  const { message, stack } = error
  const subject = message.includes(method) ? '' : `${method}: `
  const place = message.includes(server) ? '' : ` (${server})`
  if (subject + place === '') return error
  const full = subject + message + place
  return Object.create(Object.getPrototypeOf(error) as object, {
    ...Object.getOwnPropertyDescriptors(error),
    message: { value: full },
    stack: { value: stack?.replace(message, () => full) },
  })
}

/** True when connecting again cannot help, now or later. */
export function isPermanent(error: unknown): boolean {
  if (error instanceof SessionGoneError) return false
  // With 204 a server tells an EventSource to stop.
  return error instanceof RefusedError || hasStatus(error, 204, 401, 403)
}

/** True when a gateway, or a server that is busy, has asked for another attempt later. */
export function isBusy(error: unknown): error is HttpError {
  return hasStatus(error, 429, 502, 503, 504)
}

/** True when the same attempt may succeed a while later. */
export function isTemporary(error: unknown): boolean {
  return (
    isBusy(error) ||
    hasStatus(error, 404) ||
    error instanceof SessionGoneError ||
    error instanceof ConnectionError
  )
}

/**
 * True when the request may succeed on the same or the next connection. A timeout may be a dead connection, and a server says
 * `retry` in the data of an error when it cannot store what it would promise.
 */
export function isRetryable(error: unknown): boolean {
  if (error instanceof McpError) return (error.data as { retry?: unknown } | undefined)?.retry === true
  return error instanceof TimeoutError || isTemporary(error)
}

/** True for an {@link HttpError} with one of the statuses. */
export function hasStatus(error: unknown, ...statuses: number[]): error is HttpError {
  return error instanceof HttpError && statuses.includes(error.status)
}
