import type { JSONRPCMessage, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse } from '@tidings/protocol'
import type { Logger } from '../logger.ts'
import type { Http } from '../http/http.ts'
import type { Signal } from '../async/signals.ts'

/** The wire shape a client comes in by. */
export type TransportName = 'http+sse' | 'paired' | 'streamable-http' | 'stateless'

/**
 * What opening has led to:
 * - `new`: nothing is left of what there was. A session has to be begun;
 * - `reopened`: the session goes on, but what the server sent meanwhile may be lost;
 * - `resumed`: the session goes on, and nothing is lost.
 */
export type Opened = 'new' | 'reopened' | 'resumed'

/** How a request is sent. */
export interface SendOptions {
  /** Stops waiting for the response, with the signal's reason. */
  signal: Signal
  /** Headers for this request alone. */
  headers?: Record<string, string> | undefined
  /** Given what comes before the response on a stream of its own, in place of the listener. */
  received?: ((message: JSONRPCMessage) => void) | undefined
}

/**
 * One transport to a server: messages out and messages in. It knows HTTP, and nothing of what the messages say.
 *
 * It makes one attempt when asked to open, and says when what was opened is lost; whether and when to try again is
 * decided by its owner.
 */
export interface Transport {
  /**
   * When anything last came from the server, in milliseconds since 1970; undefined where a server may well be silent,
   * and what it is asked is answered elsewhere.
   */
  readonly heardAt: number | undefined
  /** What the server asks a reader to wait before it comes back, in milliseconds. */
  readonly retryMs: number | undefined
  /** Whether requests can be sent and answered even while what was opened is lost. */
  readonly independent: boolean

  /**
   * Opens the way from the server, in place of the one that may be open.
   *
   * @param options.resume whether to go on with the session there was. Otherwise, and where the server cannot, it is
   * a new one, and the requests in flight on the old one are rejected.
   * @param options.signal gives up opening; what has been opened stays open.
   */
  open(options: { resume: boolean; signal: Signal }): Promise<Opened>

  /** Lets go of what is open, as if it had been lost. */
  drop(error: Error): void

  /** Sends a request and returns its response, be it a result or an error. */
  request(message: JSONRPCRequest, options: SendOptions): Promise<JSONRPCResponse>

  /** Sends what is not answered. Resolves when the server has taken it. */
  notify(message: JSONRPCNotification | JSONRPCResponse, options: { signal: Signal }): Promise<void>

  /** Ends the session, and leaves nothing open. */
  close(): Promise<void>
}

/** Who is told of what comes in. */
export interface TransportListener {
  /** A request or a notification of the server. */
  message(message: JSONRPCRequest | JSONRPCNotification): void
  /** What had been opened was lost. Called once for each `open()` that succeeded, unless the transport was closed. */
  dropped(error: Error): void
}

/** What each transport is made with. */
export interface TransportOptions {
  url: URL
  http: Http
  maxMessageLength: number
  logger: Logger
  listener: TransportListener
}
