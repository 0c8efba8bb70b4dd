import { randomUUID } from 'node:crypto'
import type { TransportName } from '@tidings/client'
import type { EventRequest } from './event-socket.ts'
import type { PostOptions } from './post.ts'

/** Every transport there is. */
export const transports: readonly TransportName[] = ['http+sse', 'paired', 'streamable-http', 'stateless']

/** What a reader knows of its session; nothing by the stateless transport. */
export interface SessionKeys {
  /** Of a paired reader, chosen by itself. */
  clientId: string
  /** What the `endpoint` event said, or the header of a streamable session. */
  session?: string | undefined
}

/** A session that has not been begun. */
export function newKeys(): SessionKeys {
  return { clientId: randomUUID() }
}

const clientInfo = { name: 'stress', version: '0' }
const modern = '2026-07-28'
const modernMeta = {
  'io.modelcontextprotocol/protocolVersion': modern,
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** Revision 2026-07-28 says its method, and its subject, in headers as well. */
function modernHeaders(method: string, subject?: string): Record<string, string> {
  return {
    'MCP-Protocol-Version': modern,
    'Mcp-Method': method,
    ...(subject !== undefined && { 'Mcp-Name': subject }),
  }
}

/** What `initialize` is sent with. */
export function initializeParams(transport: TransportName): object {
  const protocolVersion = transport === 'streamable-http' ? '2025-11-25' : '2024-11-05'
  return { protocolVersion, capabilities: {}, clientInfo }
}

/** The request that opens the stream of a session, where it left off if that is known. */
export function sessionStream(
  transport: TransportName,
  { clientId, session }: SessionKeys,
  lastEventId = '',
): EventRequest {
  const headers: Record<string, string> = lastEventId === '' ? {} : { 'Last-Event-ID': lastEventId }
  if (transport === 'paired') return { method: 'GET', path: `/sse?client_id=${clientId}`, headers }
  if (transport === 'http+sse') return { method: 'GET', path: '/sse', headers }
  return { method: 'GET', path: '/mcp', headers: { ...headers, 'Mcp-Session-Id': session! } }
}

/** The request that opens a stream of changes by the stateless transport. */
export function listenStream(uris: readonly string[], since?: string): EventRequest {
  return {
    method: 'POST',
    path: '/mcp',
    headers: modernHeaders('subscriptions/listen'),
    body: {
      jsonrpc: '2.0',
      id: 'listen',
      method: 'subscriptions/listen',
      params: {
        notifications: { resourceSubscriptions: uris },
        _meta: { ...modernMeta, ...(since !== undefined && { 'dev.tidings/since': since }) },
      },
    },
  }
}

/** A message, as it is sent by a transport. */
export function messagePost(
  transport: TransportName,
  { clientId, session }: SessionKeys,
  message: { method: string; params?: object; id?: number | string },
): Omit<PostOptions, 'port'> {
  const body = { jsonrpc: '2.0', ...message }
  if (transport === 'http+sse') return { path: session!, body }
  if (transport === 'paired') return { path: `/mcp?client_id=${clientId}`, body }
  if (transport === 'streamable-http')
    return { path: '/mcp', body, headers: session === undefined ? {} : { 'Mcp-Session-Id': session } }
  const { name, uri } = (message.params ?? {}) as { name?: string; uri?: string }
  return {
    path: '/mcp',
    headers: modernHeaders(message.method, name ?? uri),
    body: { ...body, params: { ...message.params, _meta: modernMeta } },
  }
}

/** The request that ends a session. */
export function sessionEnd(
  transport: TransportName,
  { clientId, session }: SessionKeys,
): Omit<PostOptions, 'port'> {
  if (transport === 'http+sse') return { path: session!, method: 'DELETE' }
  if (transport === 'paired') return { path: `/mcp?client_id=${clientId}`, method: 'DELETE' }
  return { path: '/mcp', method: 'DELETE', headers: { 'Mcp-Session-Id': session! } }
}
