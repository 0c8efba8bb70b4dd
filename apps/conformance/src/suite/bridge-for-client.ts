// Runs a client that comes in by HTTP+SSE against the suite's server, which speaks Streamable HTTP only. Both ends of
// the bridge are transports of the official SDK. The suite starts it in place of the client:
//
//   node bridge-for-client.js node client.js http://localhost:40123
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import { freePort } from '@tidings/testkit/free-port'
import { bridge } from './bridge.ts'

const [program = '', ...rest] = process.argv.slice(2)
const args = rest.slice(0, -1)
const target = new URL(rest.at(-1) ?? '')
const sessions = new Map<string, SSEServerTransport>()

async function handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
  if (pathname === '/sse') {
    if (request.method !== 'GET') return void response.writeHead(405).end()
    const front = new SSEServerTransport('/messages', response)
    sessions.set(front.sessionId, front)
    await bridge(front, new StreamableHTTPClientTransport(target))
  } else {
    const session = sessions.get(searchParams.get('sessionId') ?? '')
    if (session && request.method === 'POST') await session.handlePostMessage(request, response)
    else response.writeHead(404).end()
  }
}

const port = await freePort()
const server = http.createServer((request, response) => {
  handle(request, response).catch((error: unknown) => {
    if (!response.headersSent) response.writeHead(502)
    response.end(String(error))
  })
})
server.listen(port, 'localhost')
await once(server, 'listening')

const client = spawn(program, [...args, `http://localhost:${port}/sse`], { stdio: 'inherit' })
const [status] = (await once(client, 'exit')) as [number | null]
process.exit(status ?? 1)
