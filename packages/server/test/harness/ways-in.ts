import { once } from 'node:events'
import { type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from 'node:http'
import { modernBody, modernHeaders } from './modern.ts'

/** One request, with whatever headers one likes: `fetch` sets some itself. */
export interface Way {
  method: string
  path: string
  headers?: Record<string, string>
  body?: object
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  /** Of a stream the first piece. */
  body: string
}

/** Sends a request over a connection of its own, and takes its whole response, or the first event of a stream. */
export async function send(origin: string, { method, path, headers, body }: Way): Promise<Answer> {
  const request = httpRequest(origin + path, { method, headers: { ...headers }, agent: false })
  request.end(body && JSON.stringify(body))
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) {
    text += String(chunk)
    if (response.headers['content-type']?.includes('event-stream') && /\n\n[^]*\n\n/.test(text)) break
  }
  response.destroy()
  return { status: response.statusCode!, headers: response.headers, body: text }
}

const json = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' }
const stream = { Accept: 'text/event-stream' }
const initialize = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '0' } },
}
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }

/**
 * Every kind of request of every transport that does something, in sessions that are there. All are served when nothing is
 * wrong with them.
 *
 * @param headers those that the sessions are opened with.
 */
export async function waysIn(origin: string, headers: Record<string, string> = {}): Promise<Way[]> {
  const { body } = await send(origin, { method: 'GET', path: '/sse', headers: { ...stream, ...headers } })
  const endpoint = /data: (\S+)/.exec(body)![1]!
  const paired = `client_id=${crypto.randomUUID()}`
  await send(origin, {
    method: 'POST',
    path: `/mcp?${paired}`,
    headers: { ...json, ...headers },
    body: initialize,
  })
  const open = { method: 'POST', path: '/mcp', headers: { ...json, ...headers }, body: initialize }
  const session = { 'Mcp-Session-Id': String((await send(origin, open)).headers['mcp-session-id']) }
  const modern = { method: 'tools/list' }
  const ways: Way[] = [
    { method: 'GET', path: '/sse', headers: stream },
    { method: 'HEAD', path: '/sse', headers: stream },
    { method: 'POST', path: endpoint, headers: json, body: ping },
    { method: 'GET', path: `/sse?${paired}`, headers: stream },
    { method: 'POST', path: `/mcp?${paired}`, headers: json, body: ping },
    { method: 'POST', path: '/mcp', headers: json, body: initialize },
    { method: 'POST', path: '/mcp', headers: { ...json, ...session }, body: ping },
    { method: 'GET', path: '/mcp', headers: { ...stream, ...session } },
    { method: 'HEAD', path: '/mcp', headers: stream },
    {
      method: 'POST',
      path: '/mcp',
      headers: { ...json, ...modernHeaders(modern) },
      body: modernBody(modern),
    },
    ...['/sse', '/messages', '/mcp'].map((path) => ({
      method: 'OPTIONS',
      path,
      headers: { 'Access-Control-Request-Method': 'POST' },
    })),
    // These end their sessions.
    { method: 'DELETE', path: endpoint },
    { method: 'DELETE', path: `/mcp?${paired}` },
    { method: 'DELETE', path: '/mcp', headers: session },
  ]
  return ways
}
