import type { Implementation } from '@tidings/protocol'
import type { Backplane } from './backplane/backplane.ts'
import type { Resources } from './capabilities/resources.ts'
import type { Tools } from './capabilities/tools.ts'
import type { ChangeIndex } from './changes/change-index.ts'
import type { Logger } from './logger.ts'
import type { Dispatcher } from './requests/dispatcher.ts'
import type { SessionMark } from './sessions/session-mark.ts'

/** The engine of a server, for the mounts that serve it. Applications do not see it. */
export interface ServerInternals {
  readonly info: Implementation
  readonly logger: Logger
  readonly backplane: Backplane
  /** Whether the application gave the backplane, so that other servers may share it. */
  readonly isShared: boolean
  /** In the id of each session that a mount of this server opens. */
  readonly sessionMark: SessionMark
  readonly changes: ChangeIndex
  readonly dispatcher: Dispatcher
  readonly tools: Tools
  readonly resources: Resources
  /** Closed with the server. */
  readonly mounts: Set<{ end(principal: string): Promise<void>; close(deadlineMs: number): Promise<void> }>
}

/**
 * The key of the engine on a server. A registered symbol: an application may load this package as ESM and as CommonJS, and
 * give a server of one copy to the other.
 */
export const internals: unique symbol = Symbol.for('@tidings/server.internals')

/** @throws {TypeError} when the value is no server. */
export function internalsOf(server: object): ServerInternals {
  const found = (server as { [internals]?: ServerInternals } | null | undefined)?.[internals]
  if (found !== undefined) return found
  throw new TypeError('The server must be an McpServer of @tidings/server: new McpServer({ name, version })')
}
