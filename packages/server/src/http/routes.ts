import {
  headers,
  isModernRevision,
  type JSONRPCRequest,
  mediaTypes,
  metaKeys,
  type RequestId,
} from '@tidings/protocol'
import type { Context, Next } from 'koa'
import { LimitError } from '../limits.ts'
import { acceptedBy } from './accepted.ts'
import { readJson } from './body.ts'
import type { Door, DoorEnv } from './door.ts'
import { health } from './health.ts'
import { InFlight } from './in-flight.ts'
import type { McpOptions } from './mount.ts'
import type { Relay } from './relay.ts'
import { refuse, refuseBody, refuseLimit, refuseSession } from './refuse.ts'
import type { StatelessDoor } from './stateless.ts'
import { isClosed } from './when-closed.ts'
import type { WriteDeadline } from './write-deadline.ts'

/** The paths of the doors. */
export type Paths = Required<NonNullable<McpOptions['paths']>>

export interface Doors {
  httpSse: Door
  paired: Door
  streamable: Door
  stateless: StatelessDoor
}

/** Which request goes through which door. */
export function router(
  paths: Paths,
  doors: Doors,
  env: DoorEnv,
  deadline: WriteDeadline,
  relay: Relay,
  { principal = () => undefined, maxBodyBytes = 4 * 1024 * 1024 }: McpOptions,
): (ctx: Context, next: Next) => Promise<void> {
  // Of a request that came to another node, that one has found out.
  const principalOf = (ctx: Context) => {
    const relayed = relay.relayed(ctx)
    return relayed === undefined ? principal(ctx) : relayed.principal
  }
  const ofClient = (ctx: Context) =>
    ctx.querystring.includes('client_id') && ctx.query.client_id !== undefined ? doors.paired : undefined
  const ofHeader = (ctx: Context) =>
    isModernRevision(ctx.get(headers.protocolVersion)) ? doors.stateless : doors.streamable

  const limitReached = (ctx: Context, error: LimitError, id?: RequestId) => {
    env.logger.debug({ path: ctx.path, limit: error.limit }, 'limit reached')
    refuseLimit(ctx, error, id)
  }
  const open = (door: (ctx: Context) => Door) => async (ctx: Context) => {
    if (!acceptedBy(ctx).eventStream) {
      const accepted = ctx.get('Accept')
      return refuse(
        ctx,
        406,
        `Only ${mediaTypes.eventStream} is to be had here, the request accepts ${accepted}`,
      )
    }
    // To look at a stream is not to open it. Without a body Koa would make the status 404.
    if (ctx.method === 'HEAD') {
      ctx.status = 200
      ctx.type = mediaTypes.eventStream
      return
    }
    const principal = await principalOf(ctx)
    if (isClosed(ctx)) return
    const elsewhere = relay.answer(ctx, door(ctx), principal)
    if (elsewhere !== undefined && ((await elsewhere) || isClosed(ctx))) return
    try {
      await door(ctx).open(ctx, principal)
    } catch (thrown) {
      if (!(thrown instanceof LimitError)) throw thrown
      limitReached(ctx, thrown)
    }
  }
  const receive = (doorOf: (ctx: Context, body: unknown) => Door) => async (ctx: Context) => {
    if (env.sessions.closing) return refuseSession(ctx, 'closing')
    let body: unknown
    let door: Door | undefined
    try {
      // Before the body is read: not for just anybody.
      const principal = await principalOf(ctx)
      body = await readJson(ctx, maxBodyBytes)
      door = doorOf(ctx, body)
      const inFlight = new InFlight(ctx, body, env.limits.requests, principal)
      try {
        const elsewhere = relay.answer(ctx, door, principal, body)
        if (elsewhere !== undefined && (await elsewhere)) return
        await door.receive(ctx, principal, body, inFlight)
      } finally {
        inFlight.made()
      }
    } catch (thrown) {
      if (!(thrown instanceof LimitError)) return refuseBody(ctx, thrown, env.logger)
      limitReached(ctx, thrown, door === doors.stateless ? (body as JSONRPCRequest).id : undefined)
    }
  }
  const end = (door: (ctx: Context) => Door) => async (ctx: Context) => {
    const principal = await principalOf(ctx)
    const elsewhere = relay.answer(ctx, door(ctx), principal)
    if (elsewhere === undefined || !(await elsewhere)) door(ctx).end(ctx, principal)
  }

  const routes = new Routes()
    .add(paths.sse, {
      GET: open((ctx) => ofClient(ctx) ?? doors.httpSse),
    })
    .add(paths.messages, {
      POST: receive(() => doors.httpSse),
      DELETE: end(() => doors.httpSse),
    })
    .add(paths.mcp, {
      GET: open(ofHeader),
      POST: receive(
        (ctx, body) => ofClient(ctx) ?? (isModern(ctx, body) ? doors.stateless : doors.streamable),
      ),
      DELETE: end((ctx) => ofClient(ctx) ?? ofHeader(ctx)),
    })
    .add(paths.health, {
      GET: health(env, doors.stateless.subscriptions, deadline),
    })
  return (ctx, next) => routes.run(ctx, next)
}

type Handler = (ctx: Context) => void | Promise<void>
type Handlers = Readonly<Record<string, Handler>>

/** What answers which method of which path. */
class Routes {
  readonly #handlers = new Map<string, Handlers>()

  /** Of two handlers of the same method and path, the first counts. */
  add(path: string, handlers: Handlers): this {
    this.#handlers.set(path, { ...handlers, ...this.#handlers.get(path) })
    return this
  }

  async run(ctx: Context, next: Next): Promise<void> {
    const handlers = this.#handlers.get(ctx.path)
    const method = ctx.method === 'HEAD' ? 'GET' : ctx.method
    if (handlers !== undefined && Object.hasOwn(handlers, method)) return handlers[method]!(ctx)
    await next()
    if (ctx.status !== 404 || handlers === undefined) return
    const methods = Object.keys(handlers).flatMap((name) => (name === 'GET' ? ['HEAD', 'GET'] : [name]))
    ctx.set('Allow', methods.join(', '))
    if (ctx.method === 'OPTIONS') {
      ctx.status = 200
      ctx.body = ''
    } else {
      ctx.status = 405
    }
  }
}

/**
 * The eras are told apart by the body: a request of the modern era says its revision in `_meta`. The header alone does
 * so only where nothing of the legacy era can be meant.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning#backward-compatibility-with-initialization-based-versions
 */
function isModern(ctx: Context, body: unknown): boolean {
  const { method, params } = (body ?? {}) as { method?: unknown; params?: { _meta?: object } | null }
  if (metaKeys.protocolVersion in Object(params?._meta)) return true
  return method !== 'initialize' && isModernRevision(ctx.get(headers.protocolVersion))
}
