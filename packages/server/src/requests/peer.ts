import type {
  ClientCapabilities,
  Implementation,
  LoggingLevel,
  NotificationToClient,
  ParamsOf,
  RequestToClient,
  ResultOf,
  Revision,
} from '@tidings/protocol'
import type { Call } from './call.ts'
import type { Session } from '../sessions/session.ts'

/** Who a request is from: a session, or, in the modern era, what the request says of itself. */
export interface Peer {
  /** Enough to tell peers apart in a log. */
  readonly label: string
  readonly principal: string | undefined
  readonly revision: Revision
  readonly clientInfo: Implementation | undefined
  readonly clientCapabilities: ClientCapabilities
  /** The least grave log messages it wants; undefined when it wants none. */
  readonly logLevel: LoggingLevel | undefined
  readonly session: Session | undefined
  /** A request of this peer is being answered. */
  begun(call: Call): void
  /** It no longer is. */
  over(call: Call): void
}

/** Where that goes which belongs to one request, before its answer. */
export interface Outlet {
  /** @param mergeKey a notification that still waits under the same key is replaced. */
  notify(method: NotificationToClient, params: object, mergeKey?: string): void
  /**
   * Asks the client.
   *
   * @param key names the question among those of the request.
   */
  ask<M extends RequestToClient>(
    method: M,
    params: ParamsOf<M>,
    key: string | undefined,
    signal: AbortSignal,
  ): Promise<ResultOf<M>>
  /** Ends the HTTP response early, where the client can come back for the rest. */
  closeStream(): void
}
