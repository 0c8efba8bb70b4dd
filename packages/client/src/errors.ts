export { McpError } from '@tidings/protocol'

interface Details {
  cause?: unknown
  mayHaveRun?: boolean
}

/**
 * What all errors that arise on the way to the server have in common. What the server itself answered is an
 * {@link McpError}.
 */
export abstract class ClientError extends Error {
  /**
   * Whether the server may have acted on the request. When false it is safe to send it again; when true, only what
   * may happen twice should be.
   */
  readonly mayHaveRun: boolean

  constructor(message: string, { cause, mayHaveRun = true }: Details = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.mayHaveRun = mayHaveRun
  }
}

/** The server could not be reached, or the connection a request depended on was lost. */
export class ConnectionError extends ClientError {
  override readonly name: string = 'ConnectionError'
}

/** What the server took too long for. */
export class TimeoutError extends ClientError {
  override readonly name: string = 'TimeoutError'
}

/** The client is closed: by `close()`, or for good by the error in `cause`. */
export class ClosedError extends ClientError {
  override readonly name: string = 'ClosedError'
}

/** The server sent what the protocol does not allow. */
export class ProtocolError extends ClientError {
  override readonly name: string = 'ProtocolError'
}

/** What the server must not be trusted with, or can never be spoken with: connecting again would not help. */
export class RefusedError extends ProtocolError {
  override readonly name: string = 'RefusedError'
}

/** The server speaks no revision that it could be spoken with. */
export class RevisionError extends RefusedError {
  /** Those it does. */
  readonly supported: readonly string[]

  constructor(supported: readonly string[], spoken: readonly string[]) {
    const theirs = supported.join(', ') || 'it does not name'
    super(`The server speaks revision ${theirs}; this client speaks ${spoken.join(', ')}`)
    this.supported = supported
  }
}

/** What an {@link HttpError} is made of. */
export interface HttpErrorInit {
  status: number
  /** The start of the response body. */
  body: string
  retryAfterMs?: number | undefined
}

/** The server answered with an HTTP status that is not a success. */
export class HttpError extends ClientError {
  override readonly name: string = 'HttpError'
  /** The HTTP status; 0 for a redirect, in a browser. */
  readonly status: number
  /** The start of the response body: at most 1,000 characters. */
  readonly body: string
  /** How long the server asked to be left alone (`Retry-After`), in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, { status, body, retryAfterMs }: HttpErrorInit) {
    // A 4xx refuses a request unserved, and so does 503; other 5xx may come after the server acted.
    super(message, { mayHaveRun: status >= 500 && status !== 503 })
    this.status = status
    this.body = body
    this.retryAfterMs = retryAfterMs
  }
}

/** The server does not know the session (any more): the client begins a new one. */
export class SessionGoneError extends HttpError {
  override readonly name: string = 'SessionGoneError'
}

/** True when connecting again, as long as it may take, cannot help. */
export function isFinal(error: unknown): boolean {
  // 204 is how a server tells an EventSource to stop.
  return (
    error instanceof RefusedError || (error instanceof HttpError && [204, 401, 403].includes(error.status))
  )
}

/** True for what goes away when the same is tried a while later. */
export function isTransient(error: unknown): boolean {
  if (error instanceof HttpError) return [404, 429, 502, 503, 504].includes(error.status)
  return error instanceof ConnectionError
}

/** True also for no answer in time: a dead connection may not have been seen to be one yet. */
export function mayPass(error: unknown): boolean {
  return error instanceof TimeoutError || isTransient(error)
}
