import type { Implementation } from '@tidings/protocol'
import { onAbort } from './async/signals.ts'
import { Client } from './client.ts'
import { findTransport, tryEach } from './connection/find-transport.ts'
import { type HeadersOption, Http } from './http/http.ts'
import { guarded, type Logger, silent } from './logger.ts'
import type { Handlers } from './messages/handlers.ts'
import { MessageRouter } from './messages/message-router.ts'
import { HttpSseTransport } from './transports/http-sse.ts'
import { PairedTransport } from './transports/paired.ts'
import { StatelessTransport } from './transports/stateless.ts'
import { StreamableTransport } from './transports/streamable.ts'
import type { TransportName } from './transports/transport.ts'

/** Options of {@link connect}. */
export interface ConnectOptions {
  /** The transport to use. Default: `auto`, the newest transport that the server has. */
  transport?: TransportName | 'auto'
  /** The name and version of your program. The server may show or log them. */
  clientInfo?: Implementation
  /** Functions that answer requests of the server. At most 32 of them run at a time. */
  handlers?: Handlers
  /** Headers of every HTTP request, such as `authorization`. A function is called for each request. */
  headers?: HeadersOption
  /** Makes the HTTP requests. Default: `node:http` in Node, the global `fetch` elsewhere. */
  fetch?: typeof fetch
  /** Aborting it stops the attempt to connect, and later closes the client. */
  signal?: AbortSignal
  /** How long an attempt to connect may take, in milliseconds. Default: 10,000. */
  connectTimeoutMs?: number
  /** How long to wait for a response, in milliseconds since the last progress. Default: 60,000. */
  timeoutMs?: number
  /** How long to wait for a response in total, in milliseconds. Default: 600,000. */
  totalTimeoutMs?: number
  /** The maximum length of one message from the server, in characters. Default: 16,777,216. */
  maxMessageLength?: number
  /** Receives errors that reach no caller: a listener that throws, an invalid message. Default: no log. */
  logger?: Logger
}

/** A server that is reached with a `fetch` of its own, for example one in the same process. */
export interface ConnectTarget {
  /** The URL to pass to `fetch`. It needs no host that exists. */
  url: string | URL
  /** Makes the HTTP requests to this server. */
  fetch: typeof fetch
}

const transports = {
  stateless: StatelessTransport,
  'streamable-http': StreamableTransport,
  'http+sse': HttpSseTransport,
  paired: PairedTransport,
}

/**
 * Connects to an MCP server. The client stays connected, across disconnects and server restarts, until you close it.
 *
 * @param target the URL of the server, such as `http://127.0.0.1:3000/mcp`. For the transports `http+sse` and `paired`,
 * the URL of the event stream, such as `http://127.0.0.1:3000/sse`. An object with `url` and `fetch` connects to a
 * server that is reached with that `fetch`, such as `memoryTransport(server)` of `@tidings/server`; `options.fetch` is
 * ignored then.
 * @throws {TypeError} when the URL does not begin with `http://` or `https://`, when it contains credentials (send them in
 * `options.headers`), or when there is no such transport.
 * @throws {ConnectionError | HttpError} when the server cannot be reached, or answers with an HTTP error.
 * @throws {ProtocolError} when the URL is not one of an MCP server, or there is no common protocol revision.
 * @throws {TimeoutError} when the attempt takes longer than `connectTimeoutMs`.
 * @throws {McpError} when the server refuses to initialize.
 * @example
 * const client = await connect('http://127.0.0.1:3000/mcp')
 * const result = await client.callTool('water', { litres: 2 })
 */
export async function connect(
  target: string | URL | ConnectTarget,
  options: ConnectOptions = {},
): Promise<Client> {
  const { transport = 'auto', signal, headers } = options
  signal?.throwIfAborted()
  if (transport !== 'auto' && !Object.hasOwn(transports, transport)) {
    throw new TypeError(`No transport ${transport}: give one of auto, ${Object.keys(transports).join(', ')}`)
  }
  const own = typeof target === 'object' && 'fetch' in target ? target : undefined
  const url = urlOf(own ? own.url : (target as string | URL))
  const http = new Http({ headers, fetch: (own ?? options).fetch })
  const open = (name: TransportName) => connectWith(name, url, http, options)
  try {
    if (transport !== 'auto') return await open(transport)
    // The URL identifies a server only on the network: with a `fetch` of its own, the result is not remembered.
    return own ? (await tryEach(open)).opened : await findTransport(url, open)
  } catch (error) {
    http.close()
    throw error
  }
}

/** Returns the URL of the server, without its fragment. */
function urlOf(given: string | URL): URL {
  // `localhost:3000` is a URL too, with the scheme `localhost`.
  if (!/^https?:\/\//i.test(String(given)) || !URL.canParse(given)) {
    const shown = String(given).slice(0, 200)
    const such = /^[\w.-]+(:\d+)?(\/|$)/.test(shown) ? `http://${shown}` : 'http://127.0.0.1:3000/mcp'
    throw new TypeError(`No URL: ${shown}. It must begin with http:// or https://, such as ${such}`)
  }
  const url = new URL(given)
  if (url.username || url.password) {
    throw new TypeError('The URL contains credentials. Send them in a header: options.headers')
  }
  url.hash = ''
  return url
}

async function connectWith(
  name: TransportName,
  url: URL,
  http: Http,
  options: ConnectOptions,
): Promise<Client> {
  const {
    clientInfo = { name: '@tidings/client', version: 'unknown' },
    handlers = {},
    signal,
    connectTimeoutMs = 10_000,
    timeoutMs = 60_000,
    totalTimeoutMs = 600_000,
    maxMessageLength = 16 * 2 ** 20,
  } = options
  const logger = options.logger ? guarded(options.logger) : silent
  const Transport = transports[name]
  const router = new MessageRouter(
    (listener) => new Transport({ url, http, maxMessageLength, logger, listener }),
    {
      url,
      isModern: name === 'stateless',
      clientInfo,
      handlers,
      timeouts: { connectTimeoutMs, timeoutMs, totalTimeoutMs },
      logger,
    },
  )
  const client = Client.over(router, name)
  if (signal) {
    const off = onAbort(signal, () => void client.close())
    onAbort(router.connection.closing, off)
  }
  try {
    await router.connection.open()
  } catch (error) {
    await client.close()
    signal?.throwIfAborted()
    throw error
  }
  // An attempt that fails leaves its HTTP connections to the attempt with the next transport.
  const closeHttp = () => http.close()
  void router.closed.then(closeHttp, closeHttp)
  return client
}
