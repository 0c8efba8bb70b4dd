import type { Context } from 'koa'
import type { Logger } from '../logger.ts'
import type { McpServer } from '../server.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { EventStreams } from './event-stream.ts'

/** What a door has of the mount it belongs to. */
export interface DoorEnv {
  readonly server: McpServer
  readonly sessions: Sessions
  readonly streams: EventStreams
  readonly logger: Logger
  readonly maxBodyBytes: number
  readonly retryMs: number
  /** Who sends the request. */
  principalOf(ctx: Context): string | undefined | Promise<string | undefined>
  /** The path at which clients send messages, as they see it. */
  messagesPath(ctx: Context): string
}

/** One wire shape on HTTP: what it does with each kind of request. */
export interface Door {
  /** `GET`: opens the stream. */
  open(ctx: Context): Promise<void>
  /** `POST`: takes a message. */
  receive(ctx: Context): Promise<void>
  /** `DELETE`: ends the session. */
  end(ctx: Context): Promise<void>
}
