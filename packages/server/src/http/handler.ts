import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import Koa, { type Middleware } from 'koa'
import type { CloseOptions, McpServer } from '../server.ts'
import { mountOnKoa } from './mcp.ts'
import type { Mount } from './mount.ts'
import type { McpOptions } from './options.ts'
import type { AnyResponse } from './outgoing/http2.ts'

type AnyRequest = IncomingMessage | Http2ServerRequest
export type Listener = (request: AnyRequest, response: AnyResponse) => void

/** A listener for requests of `node:http` and `node:http2`, which is also middleware for Express and its relatives. */
export interface McpHandler {
  (request: AnyRequest, response: AnyResponse, next?: (error?: unknown) => void): void
  /** Stops gracefully, as `server.close()` does for all mounts of a server. */
  close(options?: CloseOptions): Promise<void>
}

/**
 * Serves the clients of a server from any framework that gives the requests of `node:http` or `node:http2`: Express, Fastify,
 * Nest, Next.
 *
 * A body that a parser has left on `request.body` is used. The prefix of a router shows in `request.originalUrl`. A request for
 * another path goes to `next()`; without `next` it is answered 404.
 *
 * @throws {TypeError} when an option has a value it cannot have.
 * @example express().use(handler(server)).listen(3000, '127.0.0.1')
 */
export function handler(server: McpServer, options: McpOptions = {}): McpHandler {
  const { mount, middleware } = mountOnKoa(server, options, { believesProxies: true })
  const answer = koaListener(mount, (context, next) => {
    const { body } = context.req as { body?: unknown }
    if (body !== undefined) Object.assign(context.request, { body })
    return middleware(context, next) as Promise<void> | void
  })
  const listener: McpHandler = Object.assign(
    (request: AnyRequest, response: AnyResponse, next?: () => void) => {
      if (next !== undefined && mount.routedPath(pathOf(request)) === undefined) next()
      else answer(request, response)
    },
    { close: ({ deadlineMs = 5_000 }: CloseOptions = {}) => mount.close(deadlineMs) },
  )
  return listener
}

/** An application of Koa with one middleware. Other paths than those of the mount are answered 404, in words. */
export function koaListener(mount: Mount, middleware: Middleware): Listener {
  const { mcp, sse } = mount.options.paths
  const app = new Koa()
  app.on('error', (err: Error & { expose?: boolean }) => {
    // What a client is told, such as a 401 of `principal`, is a matter between it and the server: it must not fill the log.
    if (err.expose) mount.logger.debug({ err }, 'request refused')
    else mount.logger.error({ err }, 'request failed')
  })
  app.use(middleware).use((context) => {
    // There are other methods: the middleware says which.
    if (mount.routedPath(context.path) !== undefined) return
    context.status = 404
    context.body = `There is nothing at ${context.path}. MCP clients connect to ${mcp}, those of HTTP+SSE to ${sse}.\n`
  })
  // Nobody waits for its promise, which never rejects.
  const answer: unknown = app.callback()
  return answer as Listener
}

function pathOf({ url = '' }: AnyRequest): string {
  const [path = ''] = url.split('?', 1)
  return path
}
