import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import Koa from 'koa'
import type { McpServer } from '../server.ts'
import { mcp, type McpOptions } from './mount.ts'
import { defaultPaths } from './entrance.ts'

export interface ServeOptions extends McpOptions {
  /** 0, the default, takes a free one. */
  port?: number
  /** Default `127.0.0.1`: this machine only. For any other, say in `allowedHosts` by which names it is reached. */
  host?: string
}

/**
 * Koa has on-finished watch each response, and tell it of the error that broke it off. Here that is nobody's business
 * (`mcp()` keeps it from the application), and the watching is a fifth of the memory that a stream costs for as long as
 * it is open. This is what on-finished leaves on a response that it watches already.
 */
const unwatched = { __onFinished: { queue: { push() {} } } }

/** A running server. */
export interface Serving {
  /** Such as `http://127.0.0.1:3000`. */
  readonly url: string
  readonly port: number
  readonly http: Server
  /** Stops gracefully: see `McpServer.close`. */
  readonly close: (options?: { deadlineMs?: number }) => Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Serves the server's clients on a port of its own. In a Koa application use `mcp()`.
 *
 * @example const { url } = await serve(server, { port: 3000 })
 * @throws when the port cannot be had.
 */
export async function serve(server: McpServer, options: ServeOptions = {}): Promise<Serving> {
  const { port = 0, host = '127.0.0.1', logger = server.logger } = options
  const middleware = mcp(server, options)
  const app = new Koa()
  app.on('error', (err: Error) => logger.error({ err }, 'request failed'))
  const { mcp: mcpPath, sse } = { ...defaultPaths, ...options.paths }
  app.use(middleware).use((ctx) => {
    ctx.status = 404
    ctx.body = `There is nothing at ${ctx.path}. MCP clients connect to ${mcpPath}, those of HTTP+SSE to ${sse}.\n`
  })
  const answer = app.callback()
  const http = createServer((req, res) => {
    unused.delete(req.socket)
    Object.assign(res, unwatched)
    void answer(req, res)
  })
  // Connections that have carried no request yet (fetch opens such ones ahead): Node does not count them as idle.
  const unused = new Set<Socket>()
  // One listener for all: one of its own for each would be kept for as long as the connection is open.
  const forget = function (this: Socket) {
    unused.delete(this)
  }
  http.on('connection', (socket) => {
    unused.add(socket)
    socket.on('close', forget)
  })
  await once(http.listen(port, host), 'listening')
  const address = http.address() as AddressInfo
  const close = async (closeOptions?: { deadlineMs?: number }) => {
    const closed = new Promise((resolve) => http.close(resolve))
    await middleware.close(closeOptions)
    http.closeIdleConnections()
    for (const socket of unused) socket.destroy()
    const cut = setTimeout(() => http.closeAllConnections(), 1_000)
    await closed
    clearTimeout(cut)
  }
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return {
    url: `http://${name}:${address.port}`,
    port: address.port,
    http,
    close,
    [Symbol.asyncDispose]: close,
  }
}
