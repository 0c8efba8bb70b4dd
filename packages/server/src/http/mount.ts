import cors from '@koa/cors'
import Router from '@koa/router'
import { headers, mediaTypes } from '@tidings/protocol'
import type { Context, Middleware, Next } from 'koa'
import { type Logger, silent } from '../logger.ts'
import type { McpServer } from '../server.ts'
import { Sessions } from '../sessions/sessions.ts'
import type { Door, DoorEnv } from './door.ts'
import { EventStreams } from './event-stream.ts'
import { Guard, type GuardOptions } from './guard.ts'
import { health } from './health.ts'
import { httpSse } from './http-sse.ts'
import { paired } from './paired.ts'
import { refuse } from './refuse.ts'

export interface McpOptions extends GuardOptions {
  /** The paths of the doors. */
  paths?: {
    /** Where streams are opened. Default `/sse`. */
    sse?: string
    /** Where clients of HTTP+SSE send messages; they are told. Default `/messages`. */
    messages?: string
    /** Where paired clients send messages. Default `/mcp`. */
    mcp?: string
    /** Default `/health`. */
    health?: string
  }
  /**
   * Who sends a request, as an id that stays the same when a token is renewed. A session belongs to who opened it.
   * Throw (`ctx.throw(401)`) to turn a request away. Without it all are the same.
   */
  principal?: (ctx: Context) => string | undefined | Promise<string | undefined>
  /** Silent by default. */
  logger?: Logger
  /** A larger body is answered 413. Default 4 MiB. */
  maxBodyBytes?: number
  /** Default 10,000. Past it the session that has been without its client for longest ends, or 503 is answered. */
  maxSessions?: number
  /** How long a session is kept for a client that has lost its stream to return to. Default 60,000. */
  resumeWithinMs?: number
  /** How long a stream may be silent before a comment is written. Default 15,000. */
  keepAliveMs?: number
  /** How long clients are told to wait before they open a lost stream again. Default 1,000. */
  retryMs?: number
}

/** Koa middleware that can be closed. */
export interface McpMiddleware extends Middleware {
  /** Stops it gracefully, as `server.close()` does for all of a server's. */
  close(options?: { deadlineMs?: number }): Promise<void>
}

/**
 * Koa middleware that serves clients of the server, on every door at once. Requests for other paths are passed on.
 *
 * @throws {TypeError} when a path is not plain, or an origin could never match.
 * @example new Koa().use(mcp(server)).listen(3000, '127.0.0.1')
 */
export function mcp(server: McpServer, options: McpOptions = {}): McpMiddleware {
  const { logger = silent, maxBodyBytes = 4 * 1024 * 1024, retryMs = 1_000 } = options
  const { maxSessions = 10_000, resumeWithinMs = 60_000, keepAliveMs = 15_000 } = options
  const paths = { sse: '/sse', messages: '/messages', mcp: '/mcp', health: '/health', ...options.paths }
  for (const [name, path] of Object.entries(paths)) {
    if (/^\/([\w.~-]+(\/[\w.~-]+)*)?$/.test(path)) continue
    throw new TypeError(`paths.${name} must be a plain path such as /mcp, got ${JSON.stringify(path)}`)
  }
  const sessions = new Sessions(server.changes, { maxSessions, resumeWithinMs, logger })
  const env: DoorEnv = {
    server,
    sessions,
    streams: new EventStreams(keepAliveMs),
    logger,
    maxBodyBytes,
    retryMs,
    principalOf: options.principal ?? (() => undefined),
    messagesPath: (ctx) => prefixOf(ctx) + paths.messages,
  }
  const guard = new Guard(options)
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
  const routes = router(paths, env)
  const ours = new Set(Object.values(paths))

  const middleware: Middleware = (ctx, next) => {
    if (!ours.has(ctx.path)) return next()
    leaveQuietly(ctx)
    return allowCors(ctx, async () => {
      await guard.middleware(ctx, () => routes(ctx, next))
    }) as Promise<void>
  }
  const mount = { close: (deadlineMs: number) => sessions.close(deadlineMs) }
  server.addMount(mount)
  return Object.assign(middleware, {
    close: ({ deadlineMs = 5_000 }: { deadlineMs?: number } = {}) => mount.close(deadlineMs),
  })
}

const departures: readonly unknown[] = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE']

/** Koa tells the application of each client that resets its connection. Here that is how clients go, not an error. */
function leaveQuietly(ctx: Context): void {
  const onerror = ctx.onerror.bind(ctx)
  ctx.onerror = (error: NodeJS.ErrnoException | null) => {
    if (!departures.includes(error?.code)) onerror(error as Error)
  }
}

type Paths = Required<NonNullable<McpOptions['paths']>>

function router(paths: Paths, env: DoorEnv): (ctx: Context, next: Next) => Promise<void> {
  const doors = { httpSse: httpSse(env), paired: paired(env) }
  const onStreamPath = (ctx: Context) => (ctx.query.client_id === undefined ? doors.httpSse : doors.paired)
  const through = (door: (ctx: Context) => Door, method: keyof Door) => (ctx: Context) => {
    if (method === 'open' && !ctx.accepts(mediaTypes.eventStream)) {
      return refuse(
        ctx,
        406,
        `Only ${mediaTypes.eventStream} is to be had here, the request accepts ${ctx.get('Accept')}`,
      )
    }
    // To look at a stream is not to open it.
    if (ctx.method !== 'HEAD') return door(ctx)[method](ctx)
    ctx.status = 200
    ctx.type = mediaTypes.eventStream
  }
  const router = new Router()
    .get(paths.sse, through(onStreamPath, 'open'))
    .post(
      paths.messages,
      through(() => doors.httpSse, 'receive'),
    )
    .delete(
      paths.messages,
      through(() => doors.httpSse, 'end'),
    )
    .post(
      paths.mcp,
      through(() => doors.paired, 'receive'),
    )
    .delete(
      paths.mcp,
      through(() => doors.paired, 'end'),
    )
    .get(paths.health, health(env))
  const routes = router.routes()
  const allowed = router.allowedMethods()
  return async (ctx, next) => {
    await routes(ctx as never, async () => {
      await allowed(ctx as never, next)
    })
  }
}

/** What a parent (koa-mount) has taken off the path: clients need it, we do not see it. */
function prefixOf(ctx: Context): string {
  const [path = ''] = ctx.originalUrl.split('?')
  return path.endsWith(ctx.path) ? path.slice(0, -ctx.path.length) : ''
}
