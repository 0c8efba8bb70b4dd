import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { defer } from '@tidings/testkit/disposers'
import { SseReader } from '@tidings/testkit/sse-reader'
import { post } from '@tidings/testkit/post'

export const transports = ['http+sse', 'paired', 'streamable-http', 'stateless'] as const
export type TransportName = (typeof transports)[number]

/** A client without a library, which has said hello. */
export interface RawSession {
  /** Where it sends its messages, and with which headers. */
  readonly url: string
  readonly headers: Record<string, string>
  /** The stream of the session. The stateless transport has none. */
  readonly stream: SseReader | undefined
}

const initialize = {
  jsonrpc: '2.0',
  id: 'hello',
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: { elicitation: {} },
    clientInfo: { name: 'raw', version: '0' },
  },
}
const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' }
const modernMeta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '0' },
  'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
}
let lastClient = 0

/** Opens a session of the transport, as the principal with the token. */
export async function openSession(
  server: string,
  transport: TransportName,
  token?: string,
): Promise<RawSession> {
  const authorization: Record<string, string> =
    token === undefined ? {} : { Authorization: `Bearer ${token}` }
  const both = { ...authorization, Accept: 'application/json, text/event-stream' }
  if (transport === 'stateless') {
    return {
      url: `${server}/mcp`,
      headers: { ...both, 'MCP-Protocol-Version': '2026-07-28' },
      stream: undefined,
    }
  }
  if (transport === 'streamable-http') {
    const response = await post(`${server}/mcp`, initialize, both)
    await response.text()
    const headers = { ...both, 'Mcp-Session-Id': response.headers.get('mcp-session-id')! }
    await post(`${server}/mcp`, initialized, headers)
    return { url: `${server}/mcp`, headers, stream: await openStream(`${server}/mcp`, headers) }
  }
  const clientId = `raw-client-with-a-long-name-${++lastClient}`
  const stream = await openStream(
    transport === 'paired' ? `${server}/sse?client_id=${clientId}` : `${server}/sse`,
    authorization,
  )
  const url =
    transport === 'paired'
      ? `${server}/mcp?client_id=${clientId}`
      : new URL((await stream.next()).data, server).href
  await post(url, initialize, both)
  await post(url, initialized, both)
  return { url, headers: both, stream }
}

/** A request as the transport wants it: a modern one says in each what it is. */
export function messageFor(
  transport: TransportName,
  message: Record<string, unknown>,
): Record<string, unknown> {
  if (transport !== 'stateless') return message
  const params = message['params'] as { _meta?: object } | undefined
  return { ...message, params: { ...params, _meta: { ...modernMeta, ...params?._meta } } }
}

/** Opens a stream with a GET; cut after the test. */
async function openStream(url: string, headers: Record<string, string>): Promise<SseReader> {
  const outgoing = request(url, { headers: { ...headers, Accept: 'text/event-stream' }, agent: false })
  outgoing.end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`GET ${url} was answered ${response.statusCode}`)
  return defer(new SseReader(response), (reader) => reader.cut())
}
