import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { Http2SecureServer, Http2Session } from 'node:http2'
import type { AddressInfo, ListenOptions, Server as NetServer, Socket } from 'node:net'
import { describe, requireNumbers, requireWholeNumbers } from '../options.ts'
import type { CloseOptions, McpServer } from '../server.ts'
import { koaListener, type Listener } from './handler.ts'
import { removeStaleSocket } from './incoming/unix-socket.ts'
import { mountOnKoa } from './mcp.ts'
import type { McpOptions } from './options.ts'
import { unwatch, UnwatchedResponse } from './outgoing/node-internals.ts'

export interface ServeOptions extends McpOptions {
  /** 0, the default, takes a free port. */
  port?: number
  /** Default `127.0.0.1`: this machine only. With any other host, list the names it is reached under in `allowedHosts`. */
  host?: string
  /**
   * Listens on a UNIX socket instead of a port. A socket file that a process has left behind is replaced; the file is removed
   * on close. Who may connect is a matter of the rights of its directory.
   */
  path?: string
}

/** Options that have clients served over TLS, with HTTP/2 and HTTP/1.1. */
export interface TlsServeOptions extends ServeOptions {
  /** The private key of `cert`, in PEM. */
  key: string | Buffer
  /** The certificate, in PEM, followed by those between it and its root, if there are any. */
  cert: string | Buffer
}

/** A running server. */
export interface Serving<Http extends Server | Http2SecureServer = Server> {
  /** The address, such as `http://127.0.0.1:3000`, `https://127.0.0.1:3000` over TLS, or `unix:/run/mcp.sock`. */
  readonly url: string
  /** 0 for a UNIX socket. */
  readonly port: number
  readonly http: Http
  /** Stops gracefully: see `McpServer.close`. */
  readonly close: (options?: CloseOptions) => Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** An HTTP/2 connection on which nothing happens for so long is closed. Over HTTP/1.1, Node closes it after 5 s. */
const idleConnectionMs = 60_000
/** The streams that a client may have open at once on one HTTP/2 connection. Node's default is 2^32. */
const maxConcurrentStreams = 256
/** The time that connections have to close when the server stops. */
const leaveWithinMs = 1_000

/**
 * Serves the clients of a server on a port, or a UNIX socket, of its own. In a Koa application use `mcp()`, in another framework
 * `handler()`.
 *
 * @throws {TypeError} when an option has a value it cannot have.
 * @throws {Error} `EADDRINUSE` and the like when the port or the socket is not available; what OpenSSL says of `key` and `cert`.
 * @example const { url } = await serve(server, { port: 3000 })
 */
export function serve(server: McpServer, options: TlsServeOptions): Promise<Serving<Http2SecureServer>>
export function serve(server: McpServer, options?: ServeOptions): Promise<Serving>
export async function serve(
  server: McpServer,
  options: ServeOptions & Partial<TlsServeOptions> = {},
): Promise<Serving<Server | Http2SecureServer>> {
  const target = targetOf(options)
  const { mount, middleware } = mountOnKoa(server, options, { believesProxies: true })
  const connections = new Connections()
  let http: Server | Http2SecureServer | undefined
  try {
    http = await createHttp(options, koaListener(mount, middleware))
    connections.watch(http)
    if (target.path !== undefined) await removeStaleSocket(target.path, mount.logger)
    await once(http.listen(target), 'listening')
  } catch (error) {
    await mount.close(0)
    throw error
  }
  const running = http
  const close = async ({ deadlineMs = 5_000 }: CloseOptions = {}) => {
    requireNumbers({ deadlineMs })
    const closed = new Promise((resolve) => running.close(resolve))
    await mount.close(deadlineMs)
    connections.closeIdle()
    const cut = setTimeout(() => connections.cut(), leaveWithinMs)
    await closed
    clearTimeout(cut)
  }
  const { url, port } = addressOf(running, options.cert === undefined ? 'http' : 'https')
  return { url, port, http: running, close, [Symbol.asyncDispose]: close }
}

/** @throws {TypeError} when options exclude each other, or one of a pair is missing. */
function targetOf({
  port = 0,
  host,
  path,
  key,
  cert,
}: ServeOptions & Partial<TlsServeOptions>): ListenOptions {
  if ((key === undefined) !== (cert === undefined)) {
    throw new TypeError(`key and cert belong together: ${key === undefined ? 'key' : 'cert'} is missing`)
  }
  requireWholeNumbers({ port }, 0, 65_535)
  if (host !== undefined && typeof host !== 'string')
    throw new TypeError(`host must be a name or an address, got ${describe(host)}`)
  if (path === undefined) return { port, host: host ?? '127.0.0.1' }
  if (typeof path !== 'string' || path === '') {
    throw new TypeError(
      `path must be the name of a socket file, such as /run/mcp.sock, got ${describe(path)}`,
    )
  }
  if (port !== 0 || host !== undefined) {
    throw new TypeError('path is the socket to listen on: leave out port and host, or path')
  }
  return { path }
}

async function createHttp(
  { key, cert }: Partial<TlsServeOptions>,
  listener: Listener,
): Promise<Server | Http2SecureServer> {
  if (key === undefined) return createServer({ ServerResponse: UnwatchedResponse }, listener)
  // Loaded when it is needed: it takes memory.
  const { createSecureServer, Http2ServerResponse } = await import('node:http2')
  return createSecureServer(
    {
      key,
      cert,
      allowHTTP1: true,
      settings: { maxConcurrentStreams },
      Http1ServerResponse: UnwatchedResponse,
      Http2ServerResponse: unwatch(class extends Http2ServerResponse {}),
    },
    listener,
  )
}

function addressOf(http: NetServer, scheme: string): { url: string; port: number } {
  const address = http.address() as AddressInfo | string
  if (typeof address === 'string') return { url: `unix:${address}`, port: 0 }
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return { url: `${scheme}://${name}:${address.port}`, port: address.port }
}

/** The connections of a server, which would keep it from closing. */
class Connections {
  readonly #sockets = new Set<Socket>()
  readonly #sessions = new Set<Http2Session>()
  #closeIdleHttp1 = () => {}

  watch(http: Server | Http2SecureServer): void {
    const [sockets, sessions] = [this.#sockets, this.#sessions]
    // One listener for all: a closure for each would be kept for as long as its connection is open.
    const forgetSocket = function (this: Socket) {
      sockets.delete(this)
    }
    const forgetSession = function (this: Http2Session) {
      sessions.delete(this)
    }
    const closeIdle = function (this: Http2Session) {
      this.close()
    }
    const server: NetServer = http
    server.on('connection', (socket) => {
      sockets.add(socket)
      socket.on('close', forgetSocket)
    })
    server.on('session', (session: Http2Session) => {
      sessions.add(session)
      session.on('close', forgetSession)
      session.setTimeout(idleConnectionMs, closeIdle)
    })
    this.#closeIdleHttp1 = () => (http as Server).closeIdleConnections()
  }

  /** Closes the connections that carry nothing, and has those that do closed when it is over. */
  closeIdle(): void {
    this.#closeIdleHttp1()
    for (const session of this.#sessions) session.close()
    // Connections that have carried nothing yet, which fetch opens ahead: Node does not count them as idle.
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy()
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}
