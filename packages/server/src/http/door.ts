import type { Context } from 'koa'
import type { Calls } from '../calls.ts'
import type { Logger } from '../logger.ts'
import type { McpServer } from '../server.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { EventStreams } from './event-stream.ts'
import type { Responses } from './response-forms.ts'

/** What a door has of the mount it belongs to. */
export interface DoorEnv {
  readonly server: McpServer
  readonly sessions: Sessions
  readonly streams: EventStreams
  /** All requests that are being answered. */
  readonly calls: Calls
  readonly logger: Logger
  readonly retryMs: number
  /** From which the key of `requestState` is made. */
  readonly stateSecret: string | Uint8Array | undefined
  /** Whether Streamable HTTP has sessions. */
  readonly keepsSessions: boolean
  /** What answers a request by its HTTP response. */
  readonly responses: Responses
  /** The path at which clients send messages, as they see it. */
  messagesPath(ctx: Context): string
}

/** Who sends a request: what the `principal` option made of it. */
export type Principal = string | undefined

/** One wire shape on HTTP: what it does with each kind of request. */
export interface Door {
  /** `GET`: opens the stream. */
  open(ctx: Context, principal: Principal): void
  /**
   * `POST`: takes a message, or a batch.
   *
   * @throws {McpError} when it is none that can be taken.
   */
  receive(ctx: Context, principal: Principal, body: unknown): Promise<void> | void
  /** `DELETE`: ends the session. */
  end(ctx: Context, principal: Principal): void
}
