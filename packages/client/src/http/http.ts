import { headers as headerNames, mediaTypes } from '@tidings/protocol'
import { ConnectionError, HttpError, ProtocolError } from '../errors.ts'
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
}

/** Options of {@link Http.openStream}. Aborting the signal ends the attempt, and the stream. */
export interface OpenStream {
  lastEventId?: string | undefined
  headers?: Record<string, string | undefined>
  signal: Signal
}

// With these errors the request certainly did not reach the server. The codes are Node's: a browser reports none.
const neverSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'])

/** The number of redirects that are followed for one request. */
const maxRedirects = 5
/** The number of bodies that are read only to have their connections for the next request. */
const maxLeftovers = 32

/**
 * Makes the HTTP requests of a transport, with the user's headers. It follows redirects that keep method and body (307
 * and 308) within the origin, so that the headers reach no other server.
 */
export class Http {
  readonly #client: HttpClient
  readonly #headers: HeadersOption
  readonly #leftovers = new Set<HttpResponse>()

  constructor({ fetch, headers = {} }: HttpOptions) {
    this.#client = fetch || !platformHttp ? new FetchHttp(fetch) : platformHttp()
    this.#headers = headers
  }

  /** Closes the connections that are kept for the next request. */
  close(): void {
    for (const response of this.#leftovers) response.cancel()
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
    if (isEventStream(response) && isSuccess(response)) return response
    const body = await readStart(response)
    signal.throwIfAborted()
    if (!isSuccess(response) || response.status === 204) throw httpError('GET', url, response, body)
    const type = response.header('content-type') ?? 'no content type'
    throw new ProtocolError(
      `GET ${nameOf(url)} answered with ${type}, not ${mediaTypes.eventStream}: is this the URL of the event stream? ` +
        `It begins: ${JSON.stringify(body.slice(0, 100))}`,
    )
  }

  /** Posts a message. The caller has to read or cancel the body of the response, whatever its status. */
  post(
    url: URL,
    message: unknown,
    { headers, signal }: Omit<Send, 'method' | 'body'>,
  ): Promise<HttpResponse> {
    return this.send(url, { method: 'POST', headers, body: JSON.stringify(message), signal })
  }

  /**
   * Posts a message that has no response. Resolves when the server has accepted it.
   *
   * @throws {HttpError | ConnectionError}
   */
  async deliver(url: URL, message: unknown, options: Omit<Send, 'method' | 'body'>): Promise<void> {
    const response = await this.post(url, message, options)
    if (isSuccess(response)) return this.discard(response)
    const text = await readStart(response)
    options.signal.throwIfAborted()
    throw httpError('POST', url, response, text)
  }

  /**
   * Makes one request. Resolves with the response, whatever its status. Aborting the signal also ends its body.
   *
   * @throws {ConnectionError} when there is no response.
   */
  async send(url: URL, { method, headers: own = {}, body, signal }: Send): Promise<HttpResponse> {
    const given = this.#headers
    const headers = allHeaders(
      typeof given === 'function' ? await abortable(Promise.resolve(given()), signal) : given,
      own,
    )
    if (body !== undefined) headers['content-type'] = mediaTypes.json
    let target = url
    for (let redirects = 0; ; redirects++) {
      const response = await this.#client
        .send(target, { method, headers, body, signal })
        .catch((error: unknown) => {
          signal.throwIfAborted()
          throw unreachable(`${method} ${nameOf(target)}`, error)
        })
      const next = redirects < maxRedirects ? targetOf(response, target) : undefined
      if (!next) return response
      this.discard(response)
      target = next
    }
  }

  /**
   * Reads the rest of a body that has no meaning, so that its connection can be used again. It is cancelled when it goes
   * on for more than a second, and when there are too many of them.
   */
  discard(response: HttpResponse): void {
    const all = this.#leftovers
    all.add(response)
    void readStart(response).finally(() => all.delete(response))
    if (all.size > maxLeftovers) all.values().next().value!.cancel()
  }
}

/** The URL that a response redirects to, if the redirect keeps method and body, and stays within the origin. */
function targetOf(response: HttpResponse, url: URL): URL | undefined {
  const location = [307, 308].includes(response.status) ? response.header('location') : undefined
  if (location === undefined || !URL.canParse(location, url.href)) return undefined
  const target = new URL(location, url.href)
  return target.origin === url.origin ? target : undefined
}

/** The URL as it is shown. Its query may hold a secret. */
function nameOf({ origin, pathname }: URL): string {
  return origin + pathname
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

/** Makes the error of a response to a request. `text` is the start of its body. */
export function httpError(method: string, url: URL, response: HttpResponse, text: string): HttpError {
  const subject = `${method} ${nameOf(url)}`
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
