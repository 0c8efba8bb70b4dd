import type { Implementation } from '@tidings/protocol'
import { Client } from './client.ts'
import { Exchange } from './messages/message-router.ts'
import { findTransport } from './connection/find-transport.ts'
import type { Handlers } from './messages/handlers.ts'
import { type Logger, silent } from './logger.ts'
import { onAbort } from './async/signals.ts'
import { type HeadersOption, Http } from './http/http.ts'
import { HttpSseTransport } from './transports/http-sse.ts'
import { PairedTransport } from './transports/paired.ts'
import { StatelessTransport } from './transports/stateless.ts'
import { StreamableTransport } from './transports/streamable.ts'
import type { TransportName, TransportListener } from './transports/transport.ts'

/** What {@link connect} may be told. */
export interface ConnectOptions {
  /** The transport to come in by. Default: `auto`, the best one that the server turns out to have. */
  transport?: TransportName | 'auto'
  /** Which program this is, for the server to know. */
  clientInfo?: Implementation
  /** What the server may ask of this client. */
  handlers?: Handlers
  /** Headers for every HTTP request, such as `authorization`: fixed, or made anew for each by a function. */
  headers?: HeadersOption
  /** Makes the HTTP requests. Default: `node:http` in Node, the global `fetch` elsewhere. */
  fetch?: typeof fetch
  /** Aborting it gives up connecting and, later, closes the client. */
  signal?: AbortSignal
  /** How long an attempt to connect may take, in milliseconds. Default: 10,000. */
  connectTimeoutMs?: number
  /** How long to wait for a response, in milliseconds, since there was last progress. Default: 60,000. */
  timeoutMs?: number
  /** How long to wait for a response in all, in milliseconds. Default: 600,000. */
  totalTimeoutMs?: number
  /** How large one message of the server may be, counted in characters. Default: 16 MiB. */
  maxMessageLength?: number
  /** Told of what goes wrong where no caller can be: a listener that throws, a message that is none. Default: silent. */
  logger?: Logger
}

const transports = {
  stateless: StatelessTransport,
  'streamable-http': StreamableTransport,
  'http+sse': HttpSseTransport,
  paired: PairedTransport,
}

/**
 * Connects to an MCP server, and stays connected until the client is closed.
 *
 * @param url the URL of the server, such as `http://127.0.0.1:3000/mcp`; by the transports `http+sse` and `paired` that of its
 * event stream, such as `http://127.0.0.1:3000/sse`.
 * @throws {TypeError} the URL is not one of `http:` or `https:`, or has credentials in it: give them by `headers`; or there
 * is no such transport.
 * @throws {ConnectionError | HttpError} the server cannot be reached, or does not answer with success.
 * @throws {ProtocolError} what answers is no MCP server, or speaks a revision this client does not.
 * @throws {TimeoutError} it took longer than `connectTimeoutMs`.
 * @throws {McpError} the server refused to initialize.
 * @example
 * const client = await connect('http://127.0.0.1:3000/mcp')
 * const result = await client.callTool('water', { litres: 2 })
 */
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<Client> {
  const { transport = 'auto', signal } = options
  signal?.throwIfAborted()
  if (transport !== 'auto' && !Object.hasOwn(transports, transport)) {
    throw new TypeError(`No transport ${transport}: give one of auto, ${Object.keys(transports).join(', ')}`)
  }
  const target = urlOf(url)
  if (!/^https?:$/.test(target.protocol) || target.username || target.password) {
    throw new TypeError(
      'The URL has to be one of http: or https:, with credentials in a header, not in itself',
    )
  }
  target.hash = ''
  const http = new Http(options)
  const open = (transport: TransportName) => connectBy(transport, target, http, options)
  try {
    return await (transport === 'auto' ? findTransport(target, open) : open(transport))
  } catch (error) {
    http.close()
    throw error
  }
}

function urlOf(url: string | URL): URL {
  try {
    return new URL(url)
  } catch (cause) {
    throw new TypeError(`No URL: ${url}. Give one such as http://127.0.0.1:3000/mcp`, { cause })
  }
}

async function connectBy(
  transport: TransportName,
  url: URL,
  http: Http,
  options: ConnectOptions,
): Promise<Client> {
  const { signal, logger = silent, maxMessageLength = 16 * 2 ** 20 } = options
  const Transport = transports[transport]
  let isOpen = false
  const exchange = new Exchange({
    url,
    transportName: transport,
    makeTransport: (listener: TransportListener) =>
      new Transport({ url, http, maxMessageLength, logger, listener }),
    clientInfo: options.clientInfo ?? { name: '@tidings/client', version: 'unknown' },
    handlers: options.handlers ?? {},
    timeoutMs: options.timeoutMs ?? 60_000,
    totalTimeoutMs: options.totalTimeoutMs ?? 600_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    logger,
    // A connection to a server that does not have this transport is good for the next one.
    closed: () => isOpen && http.close(),
  })
  const client = new Client(transport, exchange)
  if (signal) {
    const off = onAbort(signal, () => void client.close())
    onAbort(exchange.closing, off)
  }
  try {
    await exchange.open()
    isOpen = true
    return client
  } catch (error) {
    await client.close()
    signal?.throwIfAborted()
    throw error
  }
}
