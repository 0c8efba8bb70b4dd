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

/** True when connecting again cannot help, now or later. */
export function isPermanent(error: unknown): boolean {
  // With 204 a server tells an EventSource to stop.
  return (
    error instanceof RefusedError || (error instanceof HttpError && [204, 401, 403].includes(error.status))
  )
}

/** True when the same attempt may succeed a while later. */
export function isTemporary(error: unknown): boolean {
  if (error instanceof HttpError) return [404, 429, 502, 503, 504].includes(error.status)
  return error instanceof ConnectionError
}

/** True when the request may succeed on the same or the next connection. A timeout may be a dead connection. */
export function isRetryable(error: unknown): boolean {
  return error instanceof TimeoutError || isTemporary(error)
}
