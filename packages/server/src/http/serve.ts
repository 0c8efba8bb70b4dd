import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { describe, requireNumbers, requireWholeNumbers } from '../options.ts'
import type { CloseOptions, McpServer } from '../server.ts'
import { koaListener } from './handler.ts'
import { mountOnKoa } from './mcp.ts'
import type { McpOptions } from './options.ts'
import { UnwatchedResponse } from './outgoing/node-internals.ts'

export interface ServeOptions extends McpOptions {
  /** 0, the default, takes a free port. */
  port?: number
  /** Default `127.0.0.1`: this machine only. With any other host, list the names it is reached under in `allowedHosts`. */
  host?: string
}

/** A running server. */
export interface Serving {
  /** The address, such as `http://127.0.0.1:3000`. */
  readonly url: string
  readonly port: number
  readonly http: Server
  /** Stops gracefully: see `McpServer.close`. */
  readonly close: (options?: CloseOptions) => Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Serves the clients of a server on a port of its own. In a Koa application use `mcp()`, in another framework `handler()`.
 *
 * @throws {TypeError} when an option has a value it cannot have.
 * @throws {Error} `EADDRINUSE` and the like when the port is not available.
 * @example const { url } = await serve(server, { port: 3000 })
 */
export async function serve(server: McpServer, options: ServeOptions = {}): Promise<Serving> {
  const { port = 0, host = '127.0.0.1' } = options
  requireWholeNumbers({ port }, 0, 65_535)
  if (typeof host !== 'string')
    throw new TypeError(`host must be a name or an address, got ${describe(host)}`)
  const { mount, middleware } = mountOnKoa(server, options, { believesProxies: true })
  const listener = koaListener(mount, middleware)
  const http = createServer({ ServerResponse: UnwatchedResponse }, listener)
  const sockets = new Set<Socket>()
  // One listener for all: a closure for each would be kept for as long as its connection is open.
  const forget = function (this: Socket) {
    sockets.delete(this)
  }
  http.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', forget)
  })
  await once(http.listen(port, host), 'listening')
  const address = http.address() as AddressInfo
  const close = async ({ deadlineMs = 5_000 }: CloseOptions = {}) => {
    requireNumbers({ deadlineMs })
    const closed = new Promise((resolve) => http.close(resolve))
    await mount.close(deadlineMs)
    http.closeIdleConnections()
    // Connections that have carried nothing yet, which fetch opens ahead: Node does not count them as idle.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
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
