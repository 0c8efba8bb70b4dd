import type {
  ClientCapabilities,
  Implementation,
  InputRequest,
  JSONRPCNotification,
  ParamsOf,
  RequestToServer,
  ResultOf,
  Revision,
  ServerCapabilities,
} from '@tidings/protocol'
import type { Signal } from '../async/signals.ts'
import type { CallOptions, Calls } from '../calls/calls.ts'
import type { Connection } from '../connection/connection.ts'
import type { Listeners } from '../messages/listeners.ts'
import type { Transport } from '../transports/transport.ts'

/** The server's description of itself. */
export interface ServerDescription {
  serverInfo: Implementation
  capabilities: ServerCapabilities
  instructions?: string | undefined
  protocolVersion: Revision
}

/** The client's description of itself. */
export interface Identity {
  clientInfo: Implementation
  capabilities: ClientCapabilities
}

/**
 * An era of the protocol: legacy, with an `initialize` handshake and a session, or modern, with requests that stand
 * alone. The rest of the client does not know which one it uses.
 */
export interface Era {
  /** Asks the server for its description. */
  begin(signal: Signal): Promise<ServerDescription>
  /** Makes a request, even one of a method that only the other era has. */
  request<M extends RequestToServer>(
    method: M,
    params: ParamsOf<M> | undefined,
    options?: CallOptions,
  ): Promise<ResultOf<M>>
  /** Called with each notification, before its listeners. */
  notified(message: JSONRPCNotification): void
}

/** The parts of a client that an era may work with. */
export interface EraParts {
  calls: Calls
  connection: Connection
  /** Answers a request of the server that came in a result. */
  answerInput: (request: InputRequest, signal: Signal) => Promise<object>
  listeners: Listeners
  transport: Transport
  identity: Identity
}
