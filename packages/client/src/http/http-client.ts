import type { Signal } from '../async/signals.ts'

/** One HTTP request. */
export interface HttpRequest {
  method: 'GET' | 'POST' | 'DELETE'
  /** Their names are in lower case. The client may add to them. */
  headers: Record<string, string>
  body?: string | undefined
  /** Aborting it ends the request, or the rest of its response. */
  signal: Signal
}

/** The head of a response. The body has to be read or cancelled. */
export interface HttpResponse {
  readonly status: number
  /** Returns the value of a header. Its name is in lower case. */
  header(name: string): string | undefined
  /**
   * Passes the body as text to `take`, as it arrives. Call it once. Resolves at the end of the body, or when it is
   * cancelled.
   *
   * @throws the error of `take`, or the error that broke the body off: the reason of the request's signal, when that
   * was aborted.
   */
  read(take: (text: string) => void): Promise<void>
  /** Ends the reading and releases the connection. */
  cancel(): void
}

/** Makes HTTP requests. It follows no redirects: {@link Http} does. */
export interface HttpClient {
  /**
   * Sends a request. Rejects when there is no response; with the signal's reason, when that was aborted.
   *
   * @throws {TypeError} at once, when a header cannot be sent.
   */
  send(url: URL, request: HttpRequest): Promise<HttpResponse>
  /** Closes the connections that are kept for the next request. */
  close(): void
}
