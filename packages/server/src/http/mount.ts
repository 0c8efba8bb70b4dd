import { setTimeout as wait } from 'node:timers/promises'
import type { ServerInternals } from '../internals.ts'
import type { Logger } from '../logger.ts'
import { settledWithin } from '../async/deadline.ts'
import { requireNumbers } from '../options.ts'
import { Refusal, stopping } from '../refusal.ts'
import { Calls } from '../requests/call.ts'
import { endedByServer, Sessions } from '../sessions/sessions.ts'
import { createRoutes } from './entrance.ts'
import { health } from './health.ts'
import type { ResolvedMountOptions } from './options.ts'
import { EventStreams } from './outgoing/event-stream.ts'
import { newNode, Relay } from './relay/relay.ts'
import { httpSse } from './transports/http-sse.ts'
import { paired } from './transports/paired.ts'
import { stateless } from './transports/stateless.ts'
import { streamable } from './transports/streamable.ts'
import type { RequestHandler, Routes, TransportContext } from './transports/transport.ts'

/** The time that a request waits for the backplane of a server that has just begun. */
const joinWithinMs = 5_000
/** The time that the last frames have to leave when the server stops. */
const leaveWithinMs = 1_000

/** One place where a server is served: the sessions, streams and transports behind `mcp()`. It is a node of the backplane. */
export class Mount {
  readonly routes: Routes
  /** The handler that only tells how the server is. */
  readonly health: RequestHandler
  readonly streams: EventStreams
  readonly options: ResolvedMountOptions
  readonly logger: Logger
  /** Settles when the mount has joined the backplane; undefined from then on. */
  #joining: Promise<void> | undefined
  readonly #paths: ReadonlySet<string>
  readonly #server: ServerInternals
  readonly #context: TransportContext
  readonly #relay: Relay
  readonly #endListenStreams: () => void

  /** @param deadline counts the connections that were cut because their reader did not read. */
  constructor(
    server: ServerInternals,
    options: ResolvedMountOptions,
    deadline: { readonly cuts: number } = { cuts: 0 },
  ) {
    const { changes, backplane, isShared, sessionMark } = server
    const { limits, logger, resumeWithinMs, idleTimeoutMs, keepAliveMs } = options
    const calls = new Calls(keepAliveMs)
    const node = newNode()
    const areStored = (options.sessions ?? (isShared ? 'backplane' : 'memory')) === 'backplane'
    const times = { resumeWithinMs, idleTimeoutMs }
    const sessionOptions = {
      limits,
      ...times,
      logger,
      calls,
      backplane,
      node,
      areStored,
      isShared,
      sessionMark,
    }
    const sessions = new Sessions(changes, sessionOptions)
    const context: TransportContext = { ...server, logger, sessions, calls, options }
    const transports = {
      httpSse: httpSse(context),
      paired: paired(context),
      streamable: streamable(context),
      stateless: stateless(context),
    }
    const { listenStreams } = transports.stateless
    this.#server = server
    this.#context = context
    this.options = options
    this.logger = logger
    this.streams = new EventStreams(keepAliveMs, limits)
    this.#relay = new Relay({
      backplane,
      node,
      sessions,
      logger,
      limits,
      bodyBounds: options.bodyBounds,
      endPrincipal: (principal) => void this.#endHere(principal),
    })
    this.health = health(context, { listenStreams, deadline, hasJoined: () => this.hasJoined })
    this.routes = createRoutes({
      context,
      transports,
      relay: this.#relay,
      health: this.health,
    })
    this.#paths = new Set(Object.values(options.paths))
    this.#endListenStreams = () => {
      for (const stream of [...listenStreams]) stream.end('server stopping')
    }
    this.#joining = Promise.all([changes.follow(), this.#relay.join(this.routes)]).then(() => {
      this.#joining = undefined
    })
    this.#joining.catch((err: unknown) => {
      if (!sessions.closing) logger.error({ err }, 'the backplane cannot be joined')
    })
    server.mounts.add(this)
  }

  /** True once other nodes can find this one. Until then nothing but its health is served. */
  get hasJoined(): boolean {
    return this.#joining === undefined
  }

  /**
   * Waits until the mount has joined the backplane.
   *
   * @throws {Refusal} 503 when it has not within 5 s, or the server is stopping.
   */
  async whenJoined(): Promise<void> {
    if (this.#joining !== undefined) await settledWithin(joinWithinMs, [this.#joining.catch(() => {})])
    if (this.hasJoined) return
    if (this.#context.sessions.closing) throw stopping()
    throw new Refusal(503, 'The server has not reached its backplane yet', { retry: true })
  }

  /** Ends all that a principal has: see `McpServer.end`. */
  async end(principal: string): Promise<void> {
    this.#relay.endElsewhere(principal)
    await this.#endHere(principal)
  }

  async #endHere(principal: string): Promise<void> {
    const { sessions, calls } = this.#context
    await calls.end(principal)
    sessions.end(principal)
    // Those of no session: streams of changes, of requests, and of sessions that live on another node.
    this.streams.end(principal, endedByServer)
  }

  /** The path of a route that a path stands for: `/mcp/` for `/mcp`. Undefined when there is none. */
  routedPath(path: string): string | undefined {
    if (this.#paths.has(path)) return path
    if (!path.endsWith('/')) return undefined
    const plain = path.slice(0, -1)
    return this.#paths.has(plain) ? plain : undefined
  }

  /**
   * Stops gracefully: see `McpServer.close`.
   *
   * @throws {TypeError} when the deadline is no number.
   */
  async close(deadlineMs: number): Promise<void> {
    requireNumbers({ deadlineMs })
    const { sessions, calls } = this.#context
    const handOver = (which: 'idle' | 'all') =>
      sessions.handOver(which, (id, home) => this.#relay.remember(id, home))
    sessions.refuseNew()
    if (sessions.areStored) {
      this.#server.backplane.retire(this.#relay.node)
      await handOver('idle')
    }
    await Promise.all([calls.close(deadlineMs), this.#relay.drain(deadlineMs)])
    this.#endListenStreams()
    if (sessions.areStored) await handOver('all')
    sessions.close()
    await this.#relay.close()
    await this.#lastFramesHaveLeft()
    this.#server.mounts.delete(this)
  }

  // The last frames are on their way, and closing the HTTP server next would cut them off.
  async #lastFramesHaveLeft(): Promise<void> {
    const { requests } = this.#context.options.limits
    const deadline = performance.now() + leaveWithinMs
    while ((this.streams.size > 0 || requests.used > requests.abandoned) && performance.now() < deadline)
      await wait(5)
  }
}
