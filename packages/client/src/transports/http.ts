import { headers as headerNames, mediaTypes } from '@tidings/protocol'
import { ConnectionError, HttpError, ProtocolError, SessionGoneError } from '../errors.ts'
import { abortable } from '../signals.ts'
import { readStart } from './read-body.ts'

/** Headers to send with each request, or what makes them, called anew for each: so a token may change. */
export type HeadersOption =
  Record<string, string> | (() => Record<string, string> | Promise<Record<string, string>>)

/** How requests are made. */
export interface HttpOptions {
  fetch?: typeof fetch | undefined
  headers?: HeadersOption | undefined
}

interface Send {
  method: 'GET' | 'POST' | 'DELETE'
  headers?: Record<string, string | undefined> | undefined
  body?: string
  /** Statuses that are no success, and whose response is for the caller to read nevertheless. */
  answers?: readonly number[]
  signal: AbortSignal
}

/** How an event stream is opened: the signal ends it as well. */
export interface OpenStream {
  lastEventId?: string | undefined
  headers?: Record<string, string | undefined>
  signal: AbortSignal
}

// What the server certainly never saw. The codes are those of Node; a browser does not tell.
const neverSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'])

/** Makes the HTTP requests of a transport: with the caller's headers, following no redirect. */
export class Http {
  readonly #fetch: typeof fetch
  readonly #headers: HeadersOption

  constructor({ fetch = globalThis.fetch, headers = {} }: HttpOptions) {
    this.#fetch = fetch.bind(globalThis)
    this.#headers = headers
  }

  /**
   * Opens an event stream.
   *
   * @throws {HttpError | ProtocolError | ConnectionError}
   */
  async openStream(url: URL, { lastEventId, headers: own, signal }: OpenStream): Promise<Response> {
    const headers = { ...own, accept: mediaTypes.eventStream, [headerNames.lastEventId]: lastEventId }
    const response = await this.send(url, { method: 'GET', headers, signal })
    if (isEventStream(response)) return response
    const type = response.headers.get('content-type') ?? 'no content type'
    const body = await readStart(response)
    throw new ProtocolError(
      `GET ${url.href} answered with ${type}, not ${mediaTypes.eventStream}: is this the URL of the event stream? ` +
        `It begins: ${JSON.stringify(body.slice(0, 100))}`,
    )
  }

  /** Sends a message. The response's body is the caller's to read or cancel. */
  async post(
    url: URL,
    message: unknown,
    { headers, ...how }: Omit<Send, 'method' | 'body'>,
  ): Promise<Response> {
    return this.send(url, {
      ...how,
      method: 'POST',
      headers: { ...headers, 'content-type': mediaTypes.json },
      body: JSON.stringify(message),
    })
  }

  /**
   * Makes one request. Its signal goes for the response's body as well.
   *
   * @throws {HttpError} when the status is not a success, {@link SessionGoneError} for a POST that gets 404.
   * @throws {ConnectionError} when there is no response.
   */
  async send(url: URL, { method, headers = {}, body, answers = [], signal }: Send): Promise<Response> {
    const what = `${method} ${url.href}`
    const init: RequestInit = {
      method,
      headers: await this.#allHeaders(headers, signal),
      signal,
      // The caller's headers are meant for this server alone.
      redirect: 'manual',
      cache: 'no-store',
    }
    if (body !== undefined) init.body = body
    const response = await this.#fetch(url, init).catch((error: unknown) => {
      signal.throwIfAborted()
      throw unreachable(what, error)
    })
    if (answers.includes(response.status)) return response
    if (response.ok && !(method === 'GET' && response.status === 204)) return response
    const error = httpError(what, response, await readStart(response))
    signal.throwIfAborted()
    throw method === 'POST' && error.status === 404 ? new SessionGoneError(error.message, error) : error
  }

  async #allHeaders(own: Record<string, string | undefined>, signal: AbortSignal): Promise<Headers> {
    const given = this.#headers
    const headers = new Headers(
      typeof given === 'function' ? await abortable(Promise.resolve(given()), signal) : given,
    )
    for (const [name, value] of Object.entries(own)) if (value !== undefined) headers.set(name, value)
    return headers
  }
}

/** True when the response's body is an event stream. */
export function isEventStream(response: Response): boolean {
  return mediaType(response) === mediaTypes.eventStream && response.body !== null
}

/** The media type of a response, without its parameters. */
export function mediaType({ headers }: Response): string {
  return (headers.get('content-type') ?? '').split(';', 1)[0]!.trim().toLowerCase()
}

/** What a response is that is not a success, given the start of its body. */
export function httpError(what: string, { status, headers, type }: Response, text: string): HttpError {
  const body = text.slice(0, 1_000)
  const init = { status, body, retryAfterMs: retryAfterMs(headers.get('retry-after')) }
  if (type === 'opaqueredirect' || (status >= 300 && status < 400)) {
    const to = headers.get('location') ?? 'another URL'
    return new HttpError(
      `${what} redirects to ${to}. Redirects are not followed: connect to where it leads`,
      init,
    )
  }
  return new HttpError(`${what} answered ${status}${body && `: ${body.slice(0, 200)}`}`, init)
}

function unreachable(what: string, error: unknown): ConnectionError {
  // fetch says "fetch failed", and keeps what it was in the cause.
  const { cause = error } = error as Error
  const { code = '', message } = cause as { code?: string; message?: string }
  return new ConnectionError(`${what} got no response: ${message || code || String(error)}`, {
    cause: error,
    mayHaveRun: !neverSent.has(code),
  })
}

/** `Retry-After` in milliseconds from now: it is a number of seconds or a date. */
function retryAfterMs(value: string | null): number | undefined {
  if (value === null) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}
