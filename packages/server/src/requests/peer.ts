import type {
  ClientCapabilities,
  Implementation,
  JSONRPCRequest,
  LoggingLevel,
  ParamsOf,
  RequestId,
  RequestToClient,
  ResultOf,
  Revision,
} from '@tidings/protocol'
import type { AskingCall, ClientRequests } from './client-requests.ts'
import type { Principal } from './principal.ts'

/** A call, as its peer sees it. */
export interface PeerCall extends AskingCall {
  readonly request: JSONRPCRequest
  /** True once the request is answered or aborted. */
  readonly over: boolean
  /** Stops the call. Nobody wants an answer. */
  abort(reason: Error): void
}

/** The client behind a request: a session, or, in the modern era, what the request says of its client. */
export interface Peer {
  /** Enough to tell peers apart in a log. */
  readonly label: string
  readonly principal: Principal
  readonly revision: Revision
  readonly clientInfo: Implementation | undefined
  readonly clientCapabilities: ClientCapabilities
  /** The least severe log messages it wants; undefined when it wants none. */
  readonly logLevel: LoggingLevel | undefined
  readonly session: PeerSession | undefined
  /** Called when the server begins to answer a request of this peer. */
  begun(call: PeerCall): void
  /** Called when the request is answered, or its answer no longer wanted. */
  over(call: PeerCall): void
}

/** The session of a peer, as request handling sees it. */
export interface PeerSession extends Peer {
  readonly id: string
  /** True for the session of a single HTTP request, which a handler does not see. */
  readonly isTransient: boolean
  logLevel: LoggingLevel
  /** The number of its calls that were aborted, and whose handlers still run. */
  abandonedCalls: number
  /** The requests to this client that it has not answered yet. */
  readonly clientRequests: ClientRequests
  /**
   * Settles when what the client counts on is stored, or cannot be: then it rejects. Undefined when all of it is stored, or
   * nothing ever is.
   */
  whenStored(): Promise<void> | undefined
  /** The client is ready: from here on it is told when a list changes. */
  ready(): void
  /** Takes what `initialize` says. */
  initialize(
    revision: Revision,
    capabilities: ClientCapabilities,
    clientInfo: Implementation,
    id: RequestId,
  ): void
  /** @throws {McpError} `invalidParams` when the session, or all clients together, watch as many resources as they may. */
  watch(uri: string): void
  unwatch(uri: string): void
  /** @throws {McpError} `invalidRequest` when the id is too long, or that of a request in flight. */
  requireNewId(id: RequestId): void
  /** Aborts a request: the client no longer wants its answer. */
  cancel(id: RequestId, reason: string): void
  /** @throws {LimitError} when the session may not have so many more requests in flight. */
  requireRoomFor(requests: number): void
}

/** Takes the messages to the client that belong to one request and precede its response. */
export interface Outlet {
  /**
   * Sends a message, as JSON.
   *
   * @param mergeKey replaces a message that still waits under the same key.
   */
  send(json: string, mergeKey?: string): void
  /**
   * Sends a request to the client.
   *
   * @param key names the question among those of the call.
   * @throws {QuestionError} the client's error, or that it cannot be reached.
   * @throws the reason for which the call is over.
   */
  request<M extends RequestToClient>(
    method: M,
    params: ParamsOf<M>,
    key: string | undefined,
    call: AskingCall,
  ): Promise<ResultOf<M>>
  /** Ends the HTTP response early, where the client can come back for the rest. */
  closeStream(): void
  /** The answer takes long: begins the response, where that is possible, so that no proxy takes the connection for dead. */
  keepAlive(): void
}
