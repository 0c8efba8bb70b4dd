import type { Context } from 'koa'
import type { Calls } from '../../requests/calls.ts'
import type { Limits } from '../../limits.ts'
import type { Logger } from '../../logger.ts'
import type { McpServer } from '../../server.ts'
import type { Sessions } from '../../sessions/sessions.ts'
import type { EventStreams } from '../outgoing/event-stream.ts'
import type { InFlight } from '../incoming/in-flight.ts'
import type { Responses } from '../incoming/response-forms.ts'

/** What a transport has of the mount it belongs to. */
export interface TransportContext {
  readonly server: McpServer
  readonly sessions: Sessions
  readonly streams: EventStreams
  /** All requests that are being answered. */
  readonly calls: Calls
  readonly limits: Limits
  readonly logger: Logger
  readonly retryMs: number
  /** From which the key of `requestState` is made. */
  readonly requestStateSecret: string | Uint8Array | undefined
  /** Whether Streamable HTTP has sessions. */
  readonly keepSessions: boolean
  /** What answers a request by its HTTP response. */
  readonly responses: Responses
  /** The path at which clients send messages, as they see it. */
  messagesPath(ctx: Context): string
}

/** Who sends a request: what the `principal` option made of it. */
export type Principal = string | undefined

/** One wire shape on HTTP: what it does with each kind of request. */
export interface Transport {
  /** Whether a request opens the session that it names, where there is none. */
  readonly opensByName?: boolean
  /** The id of the session that the request is for; undefined when it names none, or opens a new one. */
  sessionOf(ctx: Context, body?: unknown): string | undefined
  /**
   * `GET`: opens the stream.
   *
   * @throws {LimitError} when there are too many.
   */
  open(ctx: Context, principal: Principal): Promise<void> | void
  /**
   * `POST`: takes a message, or a batch.
   *
   * @param inFlight counts the requests in it: until this settles and the response has left, if nothing else is said.
   * @throws {McpError} when it is none that can be taken.
   * @throws {LimitError} when there are too many of what it needs.
   */
  receive(ctx: Context, principal: Principal, body: unknown, inFlight?: InFlight): Promise<void> | void
  /** `DELETE`: ends the session. */
  end(ctx: Context, principal: Principal): void
}
