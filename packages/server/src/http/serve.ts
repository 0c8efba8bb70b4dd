import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { CloseOptions, McpServer } from '../server.ts'
import { handler } from './handler.ts'
import type { McpOptions } from './options.ts'
import { keepUnwatched } from './outgoing/node-internals.ts'

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
  const listener = handler(server, options)
  const http = createServer((request, response) => {
    unused.delete(request.socket)
    keepUnwatched(response)
    listener(request, response)
  })
  // Connections that have carried no request yet, which fetch opens ahead: Node does not count them as idle.
  const unused = new Set<Socket>()
  // One listener for all: a closure for each would be kept for as long as its connection is open.
  const forget = function (this: Socket) {
    unused.delete(this)
  }
  http.on('connection', (socket) => {
    unused.add(socket)
    socket.on('close', forget)
  })
  await once(http.listen(port, host), 'listening')
  const address = http.address() as AddressInfo
  const close = async (closeOptions?: CloseOptions) => {
    const closed = new Promise((resolve) => http.close(resolve))
    await listener.close(closeOptions)
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
