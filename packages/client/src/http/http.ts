import { headers as headerNames, mediaTypes } from '@tidings/protocol'
import { ConnectionError, HttpError, ProtocolError, SessionGoneError } from '../errors.ts'
import { abortable, type Signal } from '../async/signals.ts'
import { platformHttp } from '#platform-http'
import { FetchHttp } from './fetch-http.ts'
import type { HttpClient, HttpRequest, HttpResponse } from './http-client.ts'
import { readStart } from './read-body.ts'

/** Headers to send with each request, or what makes them, called anew for each: so a token may change. */
export type HeadersOption =
  Record<string, string> | (() => Record<string, string> | Promise<Record<string, string>>)

/** How requests are made. */
export interface HttpOptions {
  fetch?: typeof fetch | undefined
  headers?: HeadersOption | undefined
}

interface Send extends Omit<HttpRequest, 'headers'> {
  headers?: Record<string, string | undefined> | undefined
  /** Statuses that are no success, and whose response is for the caller to read nevertheless. */
  answers?: readonly number[] | undefined
}

/** How an event stream is opened: the signal ends it as well. */
export interface OpenStream {
  lastEventId?: string | undefined
  headers?: Record<string, string | undefined>
  signal: Signal
}

// What the server certainly never saw. The codes are those of Node: a browser does not tell.
const neverSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'])

/** Makes the HTTP requests of a transport: with the caller's headers, following no redirect. */
export class Http {
  readonly #client: HttpClient
  readonly #headers: HeadersOption

  constructor({ fetch, headers = {} }: HttpOptions) {
    this.#client = fetch || !platformHttp ? new FetchHttp(fetch) : platformHttp()
    this.#headers = headers
  }

  /** Lets go of the connections that are kept for the next request. */
  close(): void {
    this.#client.close()
  }

  /**
   * Opens an event stream.
   *
   * @throws {HttpError | ProtocolError | ConnectionError}
   */
  async openStream(url: URL, { lastEventId, headers: own, signal }: OpenStream): Promise<HttpResponse> {
    const headers = { ...own, accept: mediaTypes.eventStream, [headerNames.lastEventId]: lastEventId }
    const response = await this.send(url, { method: 'GET', headers, signal })
    if (isEventStream(response)) return response
    const type = response.header('content-type') ?? 'no content type'
    const body = await readStart(response)
    throw new ProtocolError(
      `GET ${url.href} answered with ${type}, not ${mediaTypes.eventStream}: is this the URL of the event stream? ` +
        `It begins: ${JSON.stringify(body.slice(0, 100))}`,
    )
  }

  /** Sends a message. The response's body is the caller's to read or cancel. */
  post(
    url: URL,
    message: unknown,
    { headers, answers, signal }: Omit<Send, 'method' | 'body'>,
  ): Promise<HttpResponse> {
    return this.send(url, { method: 'POST', headers, body: JSON.stringify(message), answers, signal })
  }

  /**
   * Makes one request. Its signal goes for the response's body as well.
   *
   * @throws {HttpError} when the status is not a success, {@link SessionGoneError} for a POST that gets 404.
   * @throws {ConnectionError} when there is no response.
   */
  async send(url: URL, { method, headers: own = {}, body, answers, signal }: Send): Promise<HttpResponse> {
    const given = this.#headers
    const headers = allHeaders(
      typeof given === 'function' ? await abortable(Promise.resolve(given()), signal) : given,
      own,
    )
    if (body !== undefined) headers['content-type'] = mediaTypes.json
    const response = await this.#client
      .send(url, { method, headers, body, signal })
      .catch((error: unknown) => {
        signal.throwIfAborted()
        throw unreachable(`${method} ${url.href}`, error)
      })
    if (answers?.includes(response.status)) return response
    if (isSuccess(response) && !(method === 'GET' && response.status === 204)) return response
    const error = httpError(`${method} ${url.href}`, response, await readStart(response))
    signal.throwIfAborted()
    throw method === 'POST' && error.status === 404 ? new SessionGoneError(error.message, error) : error
  }
}

/** Those given, and those that the protocol needs in their place. */
function allHeaders(
  given: Record<string, string>,
  own: Record<string, string | undefined>,
): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name in given) headers[name.toLowerCase()] = given[name]!
  for (const name in own) if (own[name] !== undefined) headers[name.toLowerCase()] = own[name]
  return headers
}

/** True when the server did what it was asked to. */
export function isSuccess({ status }: HttpResponse): boolean {
  return status >= 200 && status < 300
}

/** True when the response's body is an event stream. */
export function isEventStream(response: HttpResponse): boolean {
  return mediaType(response) === mediaTypes.eventStream && response.status !== 204
}

/** The media type of a response, without its parameters. */
export function mediaType(response: HttpResponse): string {
  const type = response.header('content-type') ?? ''
  return type === mediaTypes.json ? type : type.split(';', 1)[0]!.trim().toLowerCase()
}

/** What a response is that is not a success, given the start of its body. */
export function httpError(what: string, response: HttpResponse, text: string): HttpError {
  const body = text.slice(0, 1_000)
  const { status } = response
  const init = { status, body, retryAfterMs: retryAfterMs(response.header('retry-after')) }
  // A browser does not say where to, nor by which status.
  if (status === 0 || (status >= 300 && status < 400)) {
    const to = response.header('location') ?? 'another URL'
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
function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}
