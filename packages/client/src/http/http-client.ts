import type { Signal } from '../async/signals.ts'

/** One HTTP request. */
export interface HttpRequest {
  method: 'GET' | 'POST' | 'DELETE'
  /** Their names are in lower case. What makes the request may add to them. */
  headers: Record<string, string>
  body?: string | undefined
  /** Gives it up, or what is still to come of its response. */
  signal: Signal
}

/** A response, as soon as its headers are there. Its body has to be read or cancelled. */
export interface HttpResponse {
  readonly status: number
  /** The value of a header, whose name is in lower case. */
  header(name: string): string | undefined
  /**
   * Gives the body as it comes, as text: once. Resolves at its end, or when it is cancelled.
   *
   * @throws what `take` throws, and what the body broke off by: the reason of the request's signal, when that was aborted.
   */
  read(take: (text: string) => void): Promise<void>
  /** Lets go of the body. */
  cancel(): void
}

/** What makes HTTP requests. It follows no redirect. */
export interface HttpClient {
  /**
   * Rejects with what there was no response by: the signal's reason, when that was aborted.
   *
   * @throws {TypeError} at once, when a header cannot be sent.
   */
  send(url: URL, request: HttpRequest): Promise<HttpResponse>
  /** Lets go of the connections that are kept for the next request. */
  close(): void
}
