import { once } from 'node:events'
import http from 'node:http'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import { bridge } from './bridge.ts'
import { freePort } from '@tidings/testkit/free-port'

/** An HTTP+SSE endpoint that leads to a server on Streamable HTTP. */
export interface ClientBridge {
  /** Where its event stream is opened. */
  url: string
  close(): Promise<void>
}

/**
 * Starts a bridge from clients on HTTP+SSE to the Streamable HTTP server at `target`. The suite itself speaks Streamable
 * HTTP only. Both ends are transports of the official SDK.
 */
export async function bridgeToClient(target: URL): Promise<ClientBridge> {
  const sessions = new Map<string, SSEServerTransport>()

  async function handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
    if (pathname === '/sse') {
      if (request.method !== 'GET') return void response.writeHead(405).end()
      const front = new SSEServerTransport('/messages', response)
      sessions.set(front.sessionId, front)
      // The transport sends its GET by itself, after `notifications/initialized`.
      let onStreaming = () => {}
      const streaming = new Promise<void>((resolve) => (onStreaming = resolve))
      const fetchAndTell: typeof fetch = (url, init) => {
        const response = fetch(url, init)
        return init?.method === 'GET' ? response.finally(onStreaming) : response
      }
      await bridge(front, new StreamableHTTPClientTransport(target, { fetch: fetchAndTell }), streaming)
    } else {
      const session = sessions.get(searchParams.get('sessionId') ?? '')
      if (session && request.method === 'POST') await session.handlePostMessage(request, response)
      else response.writeHead(404).end()
    }
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
    url: `http://localhost:${port}/sse`,
    async close() {
      await Promise.all([...sessions.values()].map((session) => session.close()))
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
