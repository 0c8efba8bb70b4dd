import type { ServerInternals } from '../../internals.ts'
import type { Calls } from '../../requests/call.ts'
import type { Sessions } from '../../sessions/sessions.ts'
import type { InFlight } from '../../quota.ts'
import type { ResolvedMountOptions } from '../options.ts'
import type { TransportRequest } from './transport-request.ts'
import type { TransportResponse } from './transport-response.ts'

/** The parts of a mount that its transports share. */
export interface TransportContext extends ServerInternals {
  readonly sessions: Sessions
  /** All requests that are being answered. */
  readonly calls: Calls
  readonly options: ResolvedMountOptions
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

/** Serves a request. Rejects only for failures that are not the client's doing. */
export type RequestHandler = (request: TransportRequest, response: TransportResponse) => Promise<void> | void

/** The handlers of a mount, by method and path: `POST /mcp`. */
export type Routes = ReadonlyMap<string, RequestHandler>
