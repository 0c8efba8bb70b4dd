import type { RequestId } from '@tidings/protocol'
import type { MessageStream } from '../../changes/message-stream.ts'
import type { Refusal } from '../../refusal.ts'
import type { Principal } from '../../requests/principal.ts'

/** The kind of an event stream. */
export interface StreamOptions {
  /**
   * True for the stream that answers one request. It is sent in chunks, so that its connection can carry the next request. A
   * stream that lasts ends with its connection, and needs no transfer encoding (RFC 9112, section 6.3).
   */
  chunked?: boolean
}

/** The HTTP response to a request. One of `json`, `empty` and `stream` begins it, once. */
export interface TransportResponse {
  /** True once the response has begun. */
  readonly begun: boolean
  /** True when nothing that is written can arrive any more. */
  readonly closed: boolean
  /** The text that `json` was given, until it has left. */
  readonly answer?: string | undefined
  /** Sets a header. */
  set(name: string, value: string): void
  /** Answers with JSON that is text already. */
  json(text: string, status?: number): void
  /**
   * Answers without a body.
   *
   * @param contentType the type of the body that is left out.
   */
  empty(status: number, contentType?: string): void
  /** Answers with an event stream. It is counted, and never refused: check the quota before, where it applies. */
  stream(principal: Principal, options?: StreamOptions): MessageStream
  /** Has the connection closed after the response. */
  closeConnection(): void
  /**
   * Reports a failure that is not the client's doing.
   *
   * @throws the error, where somebody waits for the request.
   */
  fail(error: unknown): void
  /** Cuts the connection off. */
  cut(): void
  /** Calls back, once, when the response was taken as a whole, or its connection is lost. */
  whenClosed(callback: () => void): void
}

/** Answers with the status of a refusal, and with its JSON-RPC error for a person or a program to read. */
export function refuse(response: TransportResponse, refusal: Refusal, id?: RequestId): void {
  if (refusal.retry) response.set('Retry-After', '1')
  if (refusal.closesConnection) response.closeConnection()
  response.json(JSON.stringify(refusal.toJSON(id)), refusal.status)
}
