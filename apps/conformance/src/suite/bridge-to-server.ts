import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import { json } from 'node:stream/consumers'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { freePort } from '@tidings/testkit/free-port'
import { bridge } from './bridge.ts'

/** A Streamable HTTP endpoint that leads to a server on HTTP+SSE. */
export interface ServerBridge {
  url: string
  close(): Promise<void>
}

/**
 * Starts a bridge to the HTTP+SSE server whose stream is at `target`. The suite itself speaks Streamable HTTP only. Both
 * ends are transports of the official SDK.
 */
export async function bridgeToServer(target: URL): Promise<ServerBridge> {
  const sessions = new Map<string, StreamableHTTPServerTransport>()

  async function handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const body = request.method === 'POST' ? await json(request) : undefined
    const id = request.headers['mcp-session-id']
    if (id !== undefined) {
      const session = sessions.get(String(id))
      if (session) await session.handleRequest(request, response, body)
      else response.writeHead(404).end()
      return
    }
    const front = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (sessionId) => void sessions.set(sessionId, front),
    })
    await bridge(front, new SSEClientTransport(target))
    await front.handleRequest(request, response, body)
  }

  const server = http.createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(502)
      response.end(String(error))
    })
  })
  const port = await freePort()
  server.listen(port, 'localhost')
  await once(server, 'listening')
  return {
    url: `http://localhost:${port}/mcp`,
    async close() {
      await Promise.all([...sessions.values()].map((session) => session.close()))
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
