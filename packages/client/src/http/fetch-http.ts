import { abortSignalOf, type Signal } from '../async/signals.ts'
import type { HttpClient, HttpRequest, HttpResponse } from './http-client.ts'

/** Makes HTTP requests with `fetch`. It runs everywhere, and is slower than `node:http` in Node. */
export class FetchHttp implements HttpClient {
  readonly #fetch: typeof fetch

  constructor(given: typeof fetch = globalThis.fetch) {
    this.#fetch = given.bind(globalThis)
  }

  send(url: URL, { method, headers, body, signal }: HttpRequest): Promise<HttpResponse> {
    const init: RequestInit = { method, headers: new Headers(headers), redirect: 'manual', cache: 'no-store' }
    if (body !== undefined) init.body = body
    return this.#send(url, init, signal)
  }

  async #send(url: URL, init: RequestInit, signal: Signal): Promise<HttpResponse> {
    const abort = abortSignalOf(signal)
    try {
      return new FetchResponse(await this.#fetch(url, { ...init, signal: abort.signal }), abort.release)
    } catch (error) {
      abort.release()
      throw error
    }
  }

  /** Does nothing: the connections belong to `fetch`. */
  close(): void {}
}

/** A response of `fetch` as an {@link HttpResponse}. */
export class FetchResponse implements HttpResponse {
  readonly status: number
  readonly #headers: Headers
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  readonly #ended: () => void
  #isCancelled = false

  /** @param ended called when the body has been read or cancelled. */
  constructor({ status, headers, body }: Response, ended: () => void = () => {}) {
    this.#ended = ended
    this.status = status
    this.#headers = headers
    this.#reader = body?.getReader()
  }

  header(name: string): string | undefined {
    return this.#headers.get(name) ?? undefined
  }

  async read(take: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder()
    try {
      for (;;) {
        const { done, value } = (await this.#reader?.read()) ?? { done: true }
        const text = decoder.decode(value, { stream: !done })
        if (text !== '' && !this.#isCancelled) take(text)
        if (done) return
      }
    } finally {
      this.cancel()
    }
  }

  cancel(): void {
    this.#isCancelled = true
    this.#ended()
    // A body that has failed rejects here as well; the read has the error.
    this.#reader?.cancel().catch(() => {})
  }
}
