import type { JSONRPCNotification, JSONRPCRequest, JSONRPCResponse } from '@tidings/protocol'
import type { Signal } from '../async/signals.ts'
import type { Http } from '../http/http.ts'
import type { Logger } from '../logger.ts'

/** The name of a transport: one wire format of MCP over HTTP. */
export type TransportName = 'http+sse' | 'paired' | 'streamable-http' | 'stateless'

/**
 * The result of opening a transport:
 * - `new`: nothing is left of the previous session. A session has to be begun;
 * - `reopened`: the session goes on, but messages of the server may be lost;
 * - `resumed`: the session goes on, and nothing is lost.
 */
export type Opened = 'new' | 'reopened' | 'resumed'

/** A message of the server that is not a response. */
export type ServerMessage = JSONRPCRequest | JSONRPCNotification

/** Options of one request. */
export interface SendOptions {
  /** Aborting it stops the wait for the response. The request rejects with the signal's reason. */
  signal: Signal
  /** Headers of this request only. */
  headers?: Record<string, string> | undefined
  /** Checks each message that precedes the response. The transport drops a message for which it returns false. */
  isExpected?: ((message: ServerMessage) => boolean) | undefined
}

/**
 * One transport to a server: sends messages and receives messages. It knows HTTP; it does not look at the meaning of a
 * message.
 *
 * `open()` makes one attempt. The transport tells its listener when the connection is lost. Its owner decides whether
 * and when to open it again.
 */
export interface Transport {
  /**
   * The time of the last sign of life of the server, in milliseconds since 1970. Undefined when silence means nothing,
   * because responses come over other connections.
   */
  readonly heardAt: number | undefined
  /** The delay before a reconnect that the server asked for, in milliseconds. */
  readonly retryMs: number | undefined
  /** Whether a request has to wait while the event stream is lost, because its answer comes on that stream. */
  readonly requestsNeedStream: boolean

  /**
   * Opens the transport, in place of the connection that may be open.
   *
   * @param options.resume whether to go on with the current session. Otherwise, or when the server cannot resume it, a
   * new session begins and the requests in flight on the old one reject.
   * @param options.signal aborts the attempt. A connection that is already open stays open.
   */
  open(options: { resume: boolean; signal: Signal }): Promise<Opened>

  /** Ends the connection as if it had been lost. */
  drop(error: Error): void

  /** Sends a request and returns the response: a result or an error. */
  request(message: JSONRPCRequest, options: SendOptions): Promise<JSONRPCResponse>

  /** Sends a message that has no response. Resolves when the server has accepted it. */
  notify(message: JSONRPCNotification | JSONRPCResponse, options: { signal: Signal }): Promise<void>

  /** Ends the session and every connection. */
  close(): Promise<void>
}

/** The receiver of everything that comes from a server. */
export interface TransportListener {
  /** Called with each request and notification of the server. */
  message(message: ServerMessage): void
  /** The open connection was lost. Called once for each successful `open()`, unless the transport was closed. */
  lost(error: Error): void
}

/** Options of every transport. */
export interface TransportOptions {
  url: URL
  http: Http
  maxMessageLength: number
  logger: Logger
  listener: TransportListener
}
