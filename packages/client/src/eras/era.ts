import type {
  ClientCapabilities,
  Implementation,
  InputRequest,
  JSONRPCNotification,
  ParamsOf,
  parseResultToClient,
  RequestToServer,
  ResultOf,
  Revision,
  ServerCapabilities,
} from '@tidings/protocol'
import type { CallOptions } from '../calls/calls.ts'
import type { Logger } from '../logger.ts'
import type { Signal } from '../async/signals.ts'

/** What the server has told of itself. */
export interface ServerDescription {
  serverInfo: Implementation
  capabilities: ServerCapabilities
  instructions?: string | undefined
  protocolVersion: Revision
}

/**
 * What the eras of the protocol differ in, so that nothing else needs to know of them: legacy, with an `initialize`
 * handshake and a session, and modern, in which every request stands for itself.
 */
export interface Era {
  readonly parseResult: typeof parseResultToClient
  /** What every request says in its `_meta`. */
  meta(): object
  /** Finds out who the server is. */
  begin(signal: Signal): Promise<ServerDescription>
  /** Has the server tell again what it told before the loss. */
  restore(signal: Signal): Promise<void>
  /** Makes any request, be it one of the other era. */
  request<M extends RequestToServer>(
    method: M,
    params: ParamsOf<M> | undefined,
    options?: CallOptions,
  ): Promise<ResultOf<M>>
  /** A notification has come, and is about to be told to who listens. */
  notified(message: JSONRPCNotification): void
  /** Other notifications are listened to than before. */
  listenersChanged(): void
}

/** What an {@link Era} is made with. */
export interface EraContext {
  clientInfo: Implementation
  capabilities: ClientCapabilities
  timeoutMs: number
  totalTimeoutMs: number
  connectTimeoutMs: number
  logger: Logger
  /** Aborted when the client is closed. */
  closing: Signal
  /** Sends a request as it is. */
  call: Era['request']
  /** Sends a notification, whatever the connection is in. */
  notify: (message: JSONRPCNotification, options: { signal: Signal }) => Promise<void>
  /** Has a handler answer what the server asks for in a result. */
  answer: (request: InputRequest, signal: Signal) => Promise<object>
  /** Whether somebody listens to the notification. */
  isHeard: (method: string) => boolean
  /** A notification has come. */
  receive: (message: JSONRPCNotification) => void
  /** What brings the notifications was lost. */
  lost: (error: Error) => void
  /** Some may have been missed, as is seen when it is restored. */
  missed: () => void
}
