import { headers as headerNames, mediaTypes } from '@tidings/protocol'
import { ConnectionError, HttpError, ProtocolError, SessionGoneError } from '../errors.ts'
import { abortable, type Signal } from '../async/signals.ts'
import { platformHttp } from '#platform-http'
import { FetchHttp } from './fetch-http.ts'
import type { HttpClient, HttpRequest, HttpResponse } from './http-client.ts'
import { readStart } from './read-body.ts'

/** Headers of each request, or a function that returns them. It is called for each request, so a token may change. */
export type HeadersOption =
  Record<string, string> | (() => Record<string, string> | Promise<Record<string, string>>)

/** Options of {@link Http}. */
export interface HttpOptions {
  fetch?: typeof fetch | undefined
  headers?: HeadersOption | undefined
}

interface Send extends Omit<HttpRequest, 'headers'> {
  headers?: Record<string, string | undefined> | undefined
  /** Error statuses whose response the caller reads. Others throw. */
  answers?: readonly number[] | undefined
}

/** Options of {@link Http.openStream}. Aborting the signal ends the attempt, and the stream. */
export interface OpenStream {
  lastEventId?: string | undefined
  headers?: Record<string, string | undefined>
  signal: Signal
}

// With these errors the request certainly did not reach the server. The codes are Node's: a browser reports none.
const neverSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'])

/** Makes the HTTP requests of a transport, with the user's headers. It follows no redirects. */
export class Http {
  readonly #client: HttpClient
  readonly #headers: HeadersOption

  constructor({ fetch, headers = {} }: HttpOptions) {
    this.#client = fetch || !platformHttp ? new FetchHttp(fetch) : platformHttp()
    this.#headers = headers
  }

  /** Closes the connections that are kept for the next request. */
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

  /** Posts a message. The caller has to read or cancel the body of the response. */
  post(
    url: URL,
    message: unknown,
    { headers, answers, signal }: Omit<Send, 'method' | 'body'>,
  ): Promise<HttpResponse> {
    return this.send(url, { method: 'POST', headers, body: JSON.stringify(message), answers, signal })
  }

  /**
   * Makes one request. Aborting the signal also ends the body of the response.
   *
   * @throws {HttpError} when the status does not mean success: {@link SessionGoneError} for a POST with status 404.
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

/** Merges the user's headers with those of the protocol, which take precedence. */
function allHeaders(
  given: Record<string, string>,
  own: Record<string, string | undefined>,
): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name in given) headers[name.toLowerCase()] = given[name]!
  for (const name in own) if (own[name] !== undefined) headers[name.toLowerCase()] = own[name]
  return headers
}

/** True when the status means success. */
export function isSuccess({ status }: HttpResponse): boolean {
  return status >= 200 && status < 300
}

/** True when the response's body is an event stream. */
export function isEventStream(response: HttpResponse): boolean {
  return mediaType(response) === mediaTypes.eventStream && response.status !== 204
}

/** Returns the media type of a response, without parameters. */
function mediaType(response: HttpResponse): string {
  const type = response.header('content-type') ?? ''
  return type === mediaTypes.json ? type : type.split(';', 1)[0]!.trim().toLowerCase()
}

/** Makes the error of a response. `subject` names the request, `text` is the start of the body. */
export function httpError(subject: string, response: HttpResponse, text: string): HttpError {
  const body = text.slice(0, 1_000)
  const { status } = response
  const init = { status, body, retryAfterMs: retryAfterMs(response.header('retry-after')) }
  // A browser reports neither the target of a redirect nor its status.
  if (status === 0 || (status >= 300 && status < 400)) {
    const to = response.header('location') ?? 'another URL'
    return new HttpError(
      `${subject} redirects to ${to}. Redirects are not followed: connect to that URL`,
      init,
    )
  }
  return new HttpError(`${subject} answered ${status}${body && `: ${body.slice(0, 200)}`}`, init)
}

function unreachable(subject: string, error: unknown): ConnectionError {
  // The message of fetch is "fetch failed"; its cause has the reason.
  const { cause = error } = error as Error
  const { code = '', message } = cause as { code?: string; message?: string }
  return new ConnectionError(`${subject} got no response: ${message || code || String(error)}`, {
    cause: error,
    mayHaveRun: !neverSent.has(code),
  })
}

/** Converts `Retry-After`, a number of seconds or a date, to milliseconds from now. */
function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}
