import { METHODS } from 'node:http'
import {
  headers,
  isModernRevision,
  type JSONRPCRequest,
  mediaTypes,
  metaKeys,
  type RequestId,
} from '@tidings/protocol'
import Router from '@koa/router'
import type { Context, Middleware, Next } from 'koa'
import { isPromise } from '../async/is-promise.ts'
import { LimitError } from '../limits.ts'
import { acceptedBy } from './incoming/accepted.ts'
import { readJson } from './incoming/body.ts'
import type { Transport, TransportContext, Principal } from './transports/transport.ts'
import { health } from './health.ts'
import { InFlight } from './incoming/in-flight.ts'
import type { McpOptions } from './mount.ts'
import type { Relay } from './relay/relay.ts'
import { refuse, refuseBody, refuseLimit, refuseSession } from './outgoing/refuse.ts'
import type { StatelessTransport } from './transports/stateless.ts'
import { isClosed } from './outgoing/when-closed.ts'
import type { WriteDeadline } from './outgoing/write-deadline.ts'

/** The paths of the transports. */
export type Paths = Required<NonNullable<McpOptions['paths']>>

export const defaultPaths: Paths = { sse: '/sse', messages: '/messages', mcp: '/mcp', health: '/health' }

export interface Transports {
  httpSse: Transport
  paired: Transport
  streamable: Transport
  stateless: StatelessTransport
}

/** Which request goes through which transport. */
export function router(
  paths: Paths,
  transports: Transports,
  env: TransportContext,
  deadline: WriteDeadline,
  relay: Relay,
  { principal = () => undefined, maxBodyBytes = 4 * 1024 * 1024 }: McpOptions,
): (ctx: Context, next: Next) => Promise<void> | void {
  // Of a request that came to another node, that one has found out.
  const principalOf = (ctx: Context) => {
    const relayed = relay.relayed(ctx)
    return relayed === undefined ? principal(ctx) : relayed.principal
  }
  const ofClient = (ctx: Context) =>
    ctx.querystring.includes('client_id') && ctx.query.client_id !== undefined ? transports.paired : undefined
  const ofHeader = (ctx: Context) =>
    isModernRevision(ctx.get(headers.protocolVersion)) ? transports.stateless : transports.streamable

  const limitReached = (ctx: Context, error: LimitError, id?: RequestId) => {
    env.logger.debug({ path: ctx.path, limit: error.limit }, 'limit reached')
    refuseLimit(ctx, error, id)
  }
  const open = (transport: (ctx: Context) => Transport) => async (ctx: Context) => {
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
    const principal = requirePrincipal(await principalOf(ctx))
    if (isClosed(ctx)) return
    const elsewhere = relay.answer(ctx, transport(ctx), principal)
    if (elsewhere !== undefined && ((await elsewhere) || isClosed(ctx))) return
    try {
      await transport(ctx).open(ctx, principal)
    } catch (thrown) {
      if (thrown instanceof LimitError) return limitReached(ctx, thrown)
      // Then nobody is waiting: what is in front of this has let Koa answer.
      if (ctx.headerSent) return ctx.onerror(thrown as Error)
      throw thrown
    }
  }
  // Awaits only what is to be waited for: to wait for nothing takes its time, too.
  const receive = (doorOf: (ctx: Context, body: unknown) => Transport) => async (ctx: Context) => {
    if (env.sessions.closing) return refuseSession(ctx, 'closing')
    let body: unknown
    let transport: Transport | undefined
    try {
      // Before the body is read: not for just anybody.
      const found = principalOf(ctx)
      const principal = requirePrincipal(isPromise(found) ? await found : found)
      body = await readJson(ctx, maxBodyBytes)
      transport = doorOf(ctx, body)
      const inFlight = new InFlight(ctx, body, env.limits.requests, principal)
      try {
        const elsewhere = relay.answer(ctx, transport, principal, body)
        if (elsewhere !== undefined && (await elsewhere)) return
        const received = transport.receive(ctx, principal, body, inFlight)
        if (received !== undefined) await received
      } finally {
        inFlight.made()
      }
    } catch (thrown) {
      if (!(thrown instanceof LimitError)) return refuseBody(ctx, thrown, env.logger)
      limitReached(ctx, thrown, transport === transports.stateless ? (body as JSONRPCRequest).id : undefined)
    }
  }
  const end = (transport: (ctx: Context) => Transport) => async (ctx: Context) => {
    const principal = requirePrincipal(await principalOf(ctx))
    const elsewhere = relay.answer(ctx, transport(ctx), principal)
    if (elsewhere === undefined || !(await elsewhere)) transport(ctx).end(ctx, principal)
  }

  // Of two handlers of the same method and path, the first counts. All methods are known, so none is answered 501.
  const routes = new Router({ methods: METHODS, sensitive: true, strict: true })
    .get(
      paths.sse,
      open((ctx) => ofClient(ctx) ?? transports.httpSse),
    )
    .post(
      paths.messages,
      receive(() => transports.httpSse),
    )
    .delete(
      paths.messages,
      end(() => transports.httpSse),
    )
    .get(paths.mcp, open(ofHeader))
    .post(
      paths.mcp,
      receive(
        (ctx, body) => ofClient(ctx) ?? (isModern(ctx, body) ? transports.stateless : transports.streamable),
      ),
    )
    .delete(
      paths.mcp,
      end((ctx) => ofClient(ctx) ?? ofHeader(ctx)),
    )
    .get(paths.health, health(env, transports.stateless.subscriptions, deadline))
  const route = routes.routes() as Middleware
  const allowedMethods = routes.allowedMethods() as Middleware
  const handlers = handlersOf(routes)
  return (ctx, next) => {
    const handler = handlers.get(`${ctx.req.method} ${ctx.path}`)
    if (handler !== undefined) return handler(ctx)
    // What no handler is for, the router answers, or passes on.
    return route(ctx, () => allowedMethods(ctx, next) as Promise<void>) as Promise<void>
  }
}

type Handler = (ctx: Context) => Promise<void> | void

/**
 * The handlers by method and path, which here are all plain. The router puts its handlers together anew for each
 * request, for a tenth of the time that a request takes.
 */
function handlersOf({ stack }: Router): ReadonlyMap<string, Handler> {
  const handlers = new Map<string, Handler>()
  for (const { methods, path, stack: layer } of stack) {
    for (const key of methods.map((method) => `${method} ${String(path)}`)) {
      if (!handlers.has(key)) handlers.set(key, layer[0] as Handler)
    }
  }
  return handlers
}

/** @throws {TypeError} when what the `principal` option gave is no id: sessions are told apart by it. */
function requirePrincipal(principal: unknown): Principal {
  if (principal === undefined || typeof principal === 'string') return principal
  const type = principal === null ? 'null' : typeof principal
  throw new TypeError(`principal must give a string, such as the id of a user, or undefined; it gave ${type}`)
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
