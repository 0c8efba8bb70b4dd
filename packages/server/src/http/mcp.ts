import type { Middleware } from 'koa'
import type { CloseOptions, McpServer } from '../server.ts'
import { hostOf } from './incoming/authority.ts'
import { Guard } from './incoming/guard.ts'
import { koaMiddleware } from './koa.ts'
import { Mount } from './mount.ts'
import { type McpOptions, resolveMountOptions, resolveSocketOptions } from './options.ts'
import { WriteDeadline } from './outgoing/write-deadline.ts'
import { internalsOf } from '../internals.ts'

/** Koa middleware that can be closed. */
export interface McpMiddleware extends Middleware {
  /** Stops gracefully, as `server.close()` does for all mounts of a server. */
  close(options?: CloseOptions): Promise<void>
}

/**
 * Koa middleware that serves the clients of a server, over every transport at once. Requests for other paths are passed on.
 *
 * Responses do not go through `ctx.body`: middleware in front can set headers before `await next()`, but cannot change a
 * response afterwards.
 *
 * @throws {TypeError} when an option has a value it cannot have.
 * @example new Koa().use(mcp(server)).listen(3000, '127.0.0.1')
 */
export function mcp(server: McpServer, options: McpOptions = {}): McpMiddleware {
  const { mount, middleware } = mountOnKoa(server, options)
  return Object.assign(middleware, {
    close: ({ deadlineMs = 5_000 }: CloseOptions = {}) => mount.close(deadlineMs),
  })
}

/**
 * The mount of a server, and the middleware that serves it.
 *
 * @param believesProxies whether `X-Forwarded-Prefix` is believed whatever the application says. It concerns nobody but the
 *   client of the request: the path is checked, and told to nobody else.
 */
export function mountOnKoa(
  server: McpServer,
  options: McpOptions,
  { believesProxies = false }: { believesProxies?: boolean } = {},
): { mount: Mount; middleware: Middleware } {
  const internals = internalsOf(server)
  const mountOptions = resolveMountOptions(options, internals.logger)
  const socketOptions = resolveSocketOptions(options)
  const { publicUrl } = socketOptions
  const guard = new Guard({ ...options, publicHost: publicUrl && hostOf(publicUrl.host) })
  const { keepAliveMs, logger } = mountOptions
  const deadline = new WriteDeadline({ writeTimeoutMs: socketOptions.writeTimeoutMs, keepAliveMs, logger })
  const mount = new Mount(internals, mountOptions, deadline)
  return { mount, middleware: koaMiddleware(mount, { ...socketOptions, believesProxies, guard, deadline }) }
}
