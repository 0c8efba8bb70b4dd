import { randomUUID } from 'node:crypto'
import { InMemoryEventStore } from '@modelcontextprotocol/sdk/examples/shared/inMemoryEventStore.js'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { offers, type ServerKind } from '../peer-server.ts'
import { listen, stop } from './listen.ts'
import { Sessions } from './official-1-sessions.ts'

/** The server of `@modelcontextprotocol/sdk`, over the transport of 2024-11-05. */
export const official1Sse: ServerKind = {
  name: 'official 1.x over SSE',
  revision: '2025-11-25',
  async start() {
    const sessions = new Sessions()
    const transports = new Map<string, SSEServerTransport>()
    const { server, port } = await listen(async (req, res) => {
      const { pathname, searchParams } = new URL(req.url!, 'http://127.0.0.1')
      if (req.method === 'GET' && pathname === '/sse') {
        const transport = new SSEServerTransport('/messages', res)
        transports.set(transport.sessionId, transport)
        return sessions.open().connect(transport)
      }
      const transport = transports.get(searchParams.get('sessionId') ?? '')
      if (req.method === 'POST' && transport) return transport.handlePostMessage(req, res)
      res.writeHead(404).end()
    })
    const { change, addResource } = sessions
    return { port, path: '/sse', offers, change, addResource, close: () => stop(server) }
  },
}

/** The server of `@modelcontextprotocol/sdk` with sessions, and the event store it comes with. */
export const official1Streamable: ServerKind = {
  name: 'official 1.x over Streamable HTTP',
  revision: '2025-11-25',
  async start() {
    const sessions = new Sessions()
    const transports = new Map<string, StreamableHTTPServerTransport>()
    const open = async () => {
      const transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        eventStore: new InMemoryEventStore(),
        onsessioninitialized: (id) => void transports.set(id, transport),
      })
      await sessions.open().connect(transport)
      return transport
    }
    const { server, port } = await listen(async (req, res) => {
      const id = req.headers['mcp-session-id']
      const transport = id === undefined ? await open() : transports.get(String(id))
      if (transport) return transport.handleRequest(req, res)
      res.writeHead(404).end()
    })
    const { change, addResource } = sessions
    return { port, path: '/mcp', offers, change, addResource, close: () => stop(server) }
  },
}
