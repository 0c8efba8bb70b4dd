import { setTimeout as wait } from 'node:timers/promises'
import cors from '@koa/cors'
import { headers } from '@tidings/protocol'
import type { Context, Middleware, Next } from 'koa'
import { Calls } from '../requests/calls.ts'
import { type LimitsOptions, limitsOf } from '../limits.ts'
import { type Logger, requireLogger } from '../logger.ts'
import { requireNumbers } from '../options.ts'
import type { McpServer } from '../server.ts'
import { Sessions } from '../sessions/sessions.ts'
import type { TransportContext } from './transports/transport.ts'
import { EventStreams } from './outgoing/event-stream.ts'
import { Guard, type GuardOptions } from './incoming/guard.ts'
import { httpSse } from './transports/http-sse.ts'
import { paired } from './transports/paired.ts'
import type { Responses } from './incoming/response-forms.ts'
import { newNode, Relay } from './relay/relay.ts'
import { defaultPaths, router } from './entrance.ts'
import { stateless } from './transports/stateless.ts'
import { streamable } from './transports/streamable.ts'
import { WriteDeadline } from './outgoing/write-deadline.ts'

/** How long what was written last has to leave when the server stops. */
const leaveWithinMs = 1_000

export interface McpOptions extends GuardOptions {
  /** The paths of the transports. */
  paths?: {
    /** Where streams are opened. Default `/sse`. */
    sse?: string
    /** Where clients of HTTP+SSE send messages; they are told. Default `/messages`. */
    messages?: string
    /** Where all other clients send messages. Default `/mcp`. */
    mcp?: string
    /** Default `/health`. */
    health?: string
  }
  /**
   * Who sends a request, as an id that stays the same when a token is renewed. A session belongs to who opened it.
   * Throw (`ctx.throw(401)`) to turn a request away. Without it all are the same.
   */
  principal?: (ctx: Context) => string | undefined | Promise<string | undefined>
  /** False serves clients of Streamable HTTP without sessions: no stream of changes, nothing to resume. Default true. */
  keepSessions?: boolean
  /**
   * What answers a request over Streamable HTTP and in revision 2026-07-28: `json`, `sse`, or, by default, `auto`: a
   * stream as soon as something is sent before the answer, JSON otherwise. With `json`, what is sent before the answer
   * goes on the session's stream, and in 2026-07-28 nowhere. A client that accepts only one of them gets that.
   */
  responses?: Responses
  /**
   * From which the key is made that protects what a client of 2026-07-28 carries between two rounds of a request. Give
   * the same to all nodes that serve the same clients. Random by default.
   */
  requestStateSecret?: string | Uint8Array
  /** Where sessions and failures are logged. The server's logger by default. */
  logger?: Logger
  /** A larger body is answered 413. Default 4 MiB. */
  maxBodyBytes?: number
  /** How much clients may use: sessions, streams, requests in flight, subscriptions. */
  limits?: LimitsOptions
  /**
   * How long a client that has lost its stream has to come back: for so long what it was sent is kept, and over
   * HTTP+SSE its session. Default 60,000.
   */
  resumeWithinMs?: number
  /**
   * How long a session is kept of a client that can do without a stream (streamable, paired), since it was last heard
   * of. Default 1,800,000.
   */
  idleTimeoutMs?: number
  /** How long a stream may be silent before a comment is written. Default 15,000. */
  keepAliveMs?: number
  /**
   * How long a reader may take nothing of what is written to it, before its connection is cut. What it was sent is kept
   * for its return, as for anyone who has lost a stream. Default 60,000.
   */
  writeTimeoutMs?: number
  /** How long clients are told to wait before they open a lost stream again. Default 1,000. */
  retryMs?: number
}

/** Koa middleware that can be closed. */
export interface McpMiddleware extends Middleware {
  /** Stops it gracefully, as `server.close()` does for all of a server's. */
  close(options?: { deadlineMs?: number }): Promise<void>
}

/**
 * Koa middleware that serves clients of the server, on every transport at once. Requests for other paths are passed on.
 *
 * What it answers is on its way by the time it is done: middleware in front of it sets its headers before `next()`.
 *
 * @throws {TypeError} when a path is not plain, an origin could never match, or a number is none.
 * @example new Koa().use(mcp(server)).listen(3000, '127.0.0.1')
 */
export function mcp(server: McpServer, options: McpOptions = {}): McpMiddleware {
  const { logger = server.logger, retryMs = 1_000 } = options
  const { keepAliveMs = 15_000, writeTimeoutMs = 60_000 } = options
  const { resumeWithinMs = 60_000, idleTimeoutMs = 30 * 60_000, maxBodyBytes } = options
  requireNumbers({ retryMs, keepAliveMs, writeTimeoutMs, resumeWithinMs, idleTimeoutMs, maxBodyBytes })
  requireLogger(logger)
  const paths = { ...defaultPaths, ...options.paths }
  for (const [name, path] of Object.entries(paths)) {
    if (/^\/([\w.~-]+(\/[\w.~-]+)*)?$/.test(path)) continue
    throw new TypeError(`paths.${name} must be a plain path such as /mcp, got ${JSON.stringify(path)}`)
  }
  const calls = new Calls()
  const limits = limitsOf(options.limits)
  const { backplane } = server
  const node = newNode()
  const sessionOptions = { limits, resumeWithinMs, idleTimeoutMs, logger, calls, backplane, node }
  const sessions = new Sessions(server.changes, sessionOptions)
  const relay = new Relay({ backplane, node, sessions, logger })
  const env: TransportContext = {
    server,
    sessions,
    streams: new EventStreams(keepAliveMs, limits.streams),
    calls,
    limits,
    logger,
    retryMs,
    keepSessions: options.keepSessions ?? true,
    responses: options.responses ?? 'auto',
    requestStateSecret: options.requestStateSecret,
    messagesPath: (ctx) => prefixOf(ctx) + paths.messages,
  }
  const guard = new Guard(options, logger)
  const allowCors = cors({
    origin: (ctx) => (guard.allowsOrigin(ctx) ? ctx.get('Origin') : ''),
    allowMethods: 'GET,POST,DELETE',
    exposeHeaders: [
      headers.sessionId,
      headers.protocolVersion,
      headers.recovered,
      'WWW-Authenticate',
      'Retry-After',
    ],
    maxAge: 86_400,
  })
  const transports = {
    httpSse: httpSse(env),
    paired: paired(env),
    streamable: streamable(env),
    stateless: stateless(env),
  }
  const deadline = new WriteDeadline({ writeTimeoutMs, keepAliveMs, logger })
  const routes = router(paths, transports, env, deadline, relay, options)
  const ours = new Set(Object.values(paths))
  let joining: Promise<unknown> | undefined = Promise.all([
    server.changes.follow(),
    relay.join((ctx) => routes(ctx, async () => {})),
  ]).then(() => (joining = undefined))
  joining.catch((err: unknown) => logger.error({ err }, 'the backplane cannot be joined'))

  const answer = (ctx: Context, next: Next): Promise<void> | void => {
    if (joining !== undefined) return joining.then(() => answer(ctx, next))
    if (guard.admits(ctx)) return routes(ctx, next)
  }
  const middleware: Middleware = (ctx, next) => {
    if (!ours.has(ctx.path)) return next()
    ctx.onerror = leaveQuietly
    deadline.watch(ctx)
    if (ctx.req.headers.origin !== undefined)
      return allowCors(ctx, async () => answer(ctx, next)) as Promise<void>
    // To a request that is from no page there is nothing to add, but that to others there is.
    if (ctx.res.hasHeader('Vary')) ctx.vary('Origin')
    else ctx.res.setHeader('Vary', 'Origin')
    return answer(ctx, next)
  }
  // What was written last is on its way, and whoever closes the server next would cut it off.
  const haveLeft = async () => {
    const deadline = performance.now() + leaveWithinMs
    while ((env.streams.size > 0 || limits.requests.used > 0) && performance.now() < deadline) await wait(5)
  }
  const mount = {
    async close(deadlineMs: number): Promise<void> {
      sessions.refuseNew()
      await Promise.all([calls.close(deadlineMs), relay.drain(deadlineMs)])
      for (const subscription of [...transports.stateless.subscriptions]) subscription.end('server stopping')
      sessions.close()
      await relay.close()
      await haveLeft()
    },
  }
  server.addMount(mount)
  return Object.assign(middleware, {
    close: ({ deadlineMs = 5_000 }: { deadlineMs?: number } = {}) => mount.close(deadlineMs),
  })
}

const departures: readonly unknown[] = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE']

/** Koa tells the application of each client that resets its connection. Here that is how clients go, not an error. */
function leaveQuietly(this: Context, error: NodeJS.ErrnoException | null): void {
  if (departures.includes(error?.code)) return
  const itself = Object.getPrototypeOf(this) as Context
  itself.onerror.call(this, error as Error)
}

/** What a parent (koa-mount) has taken off the path: clients need it, we do not see it. */
function prefixOf(ctx: Context): string {
  const [path = ''] = ctx.originalUrl.split('?')
  return path.endsWith(ctx.path) ? path.slice(0, -ctx.path.length) : ''
}
