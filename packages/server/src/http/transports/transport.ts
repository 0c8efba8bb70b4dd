import type { RequestId } from '@tidings/protocol'
import type { MessageStream } from '../../changes/message-stream.ts'
import type { ServerInternals } from '../../internals.ts'
import type { Refusal } from '../../refusal.ts'
import type { Calls } from '../../requests/calls.ts'
import type { Principal } from '../../requests/principal.ts'
import type { Sessions } from '../../sessions/sessions.ts'
import type { InFlight } from '../incoming/in-flight.ts'
import type { ResolvedMountOptions } from '../options.ts'
import type { TransportRequest } from './transport-request.ts'

/** The name of a wire shape. */
export type TransportName = 'http+sse' | 'paired' | 'streamable-http' | 'stateless'

/** The parts of a mount that its transports share. */
export interface TransportContext extends ServerInternals {
  readonly sessions: Sessions
  /** All requests that are being answered. */
  readonly calls: Calls
  readonly options: ResolvedMountOptions
}

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
  /** Cuts the connection off. */
  cut(): void
  /** Calls back, once, when the response was taken as a whole, or its connection is lost. */
  whenClosed(callback: () => void): void
}

/** One wire shape on HTTP. It knows HTTP, and nothing of tools or resources. */
export interface Transport {
  /** True when a request opens the session that it names. */
  readonly opensByName?: boolean
  /** True when an error response may carry the id of its request. */
  readonly namesRequests?: boolean
  /** The id of the session that the request is for. Undefined when it names none, or opens a new one. */
  sessionOf(request: TransportRequest): string | undefined
  /**
   * `GET`: opens the stream.
   *
   * @throws {Refusal | LimitError}
   */
  open(request: TransportRequest, response: TransportResponse): Promise<void> | void
  /**
   * `POST`: takes a message, or a batch.
   *
   * @param inFlight counts the requests in it.
   * @throws {Refusal | LimitError | McpError}
   */
  receive(request: TransportRequest, response: TransportResponse, inFlight: InFlight): Promise<void> | void
  /**
   * `DELETE`: ends the session.
   *
   * @throws {Refusal}
   */
  end(request: TransportRequest, response: TransportResponse): void
}

/** Answers with the status of a refusal, and with its JSON-RPC error for a person or a program to read. */
export function refuse(response: TransportResponse, refusal: Refusal, id?: RequestId): void {
  if (refusal.retry) response.set('Retry-After', '1')
  if (refusal.closesConnection) response.closeConnection()
  response.json(JSON.stringify(refusal.toJSON(id)), refusal.status)
}
