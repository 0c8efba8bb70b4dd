import Router from '@koa/router'
import { headers, isModernRevision, mediaTypes, metaKeys } from '@tidings/protocol'
import type { Context, Next } from 'koa'
import { readJson } from './body.ts'
import type { Door, DoorEnv } from './door.ts'
import { health } from './health.ts'
import type { McpOptions } from './mount.ts'
import { refuse, refuseBody, refuseSession } from './refuse.ts'
import type { StatelessDoor } from './stateless.ts'

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
  { principal: principalOf = () => undefined, maxBodyBytes = 4 * 1024 * 1024 }: McpOptions,
): (ctx: Context, next: Next) => Promise<void> {
  const ofClient = (ctx: Context) => (ctx.query.client_id === undefined ? undefined : doors.paired)
  const ofHeader = (ctx: Context) =>
    isModernRevision(ctx.get(headers.protocolVersion)) ? doors.stateless : doors.streamable

  const open = (door: (ctx: Context) => Door) => async (ctx: Context) => {
    if (!ctx.accepts(mediaTypes.eventStream)) {
      const accepted = ctx.get('Accept')
      return refuse(
        ctx,
        406,
        `Only ${mediaTypes.eventStream} is to be had here, the request accepts ${accepted}`,
      )
    }
    // To look at a stream is not to open it. Without a body Koa would make the status 404.
    if (ctx.method !== 'HEAD') return door(ctx).open(ctx, await principalOf(ctx))
    ctx.status = 200
    ctx.type = mediaTypes.eventStream
  }
  const receive = (door: (ctx: Context, body: unknown) => Door) => async (ctx: Context) => {
    if (env.sessions.closing) return refuseSession(ctx, 'closing')
    try {
      // Before the body is read: not for just anybody.
      const principal = await principalOf(ctx)
      const body = await readJson(ctx, maxBodyBytes)
      await door(ctx, body).receive(ctx, principal, body)
    } catch (thrown) {
      refuseBody(ctx, thrown, env.logger)
    }
  }
  const end = (door: (ctx: Context) => Door) => async (ctx: Context) => {
    door(ctx).end(ctx, await principalOf(ctx))
  }

  const router = new Router()
    .get(
      paths.sse,
      open((ctx) => ofClient(ctx) ?? doors.httpSse),
    )
    .post(
      paths.messages,
      receive(() => doors.httpSse),
    )
    .delete(
      paths.messages,
      end(() => doors.httpSse),
    )
    .get(paths.mcp, open(ofHeader))
    .post(
      paths.mcp,
      receive((ctx, body) => ofClient(ctx) ?? (isModern(ctx, body) ? doors.stateless : doors.streamable)),
    )
    .delete(
      paths.mcp,
      end((ctx) => ofClient(ctx) ?? ofHeader(ctx)),
    )
    .get(paths.health, health(env, doors.stateless.subscriptions))
  const routes = router.routes()
  const allowed = router.allowedMethods()
  return async (ctx, next) => {
    await routes(ctx as never, async () => {
      await allowed(ctx as never, next)
    })
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
