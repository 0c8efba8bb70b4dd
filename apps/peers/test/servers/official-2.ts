import { randomUUID } from 'node:crypto'
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, type McpServer } from '@modelcontextprotocol/server'
import { offers, type ServerKind } from '../peer-server.ts'
import { listen, stop } from './listen.ts'
import { newServer, putResource } from './official-2-server.ts'
import { Shelf } from './shelf.ts'

/** The server of `@modelcontextprotocol/server` as its documents have it: at 2026-07-28. */
export const official2Modern: ServerKind = {
  name: 'official 2.x modern',
  revision: '2026-07-28',
  async start() {
    const shelf = new Shelf()
    const handler = createMcpHandler(({ era }) => newServer(era, shelf))
    const answer = toNodeHandler(handler)
    const { server, port } = await listen((req, res) => answer(req as Parameters<typeof answer>[0], res))
    return {
      port,
      path: '/mcp',
      offers,
      async change() {
        const text = shelf.change()
        handler.notify.resourceUpdated(offers.resource.uri)
        return text
      },
      async addResource() {
        const uri = shelf.add()
        handler.notify.resourcesChanged()
        return uri
      },
      async close() {
        await handler.close()
        await stop(server)
      },
    }
  },
}

/** The server of `@modelcontextprotocol/server` with sessions, for revisions up to 2025-11-25. */
export const official2Sessionful: ServerKind = {
  name: 'official 2.x sessionful',
  revision: '2025-11-25',
  async start() {
    const shelf = new Shelf()
    const transports = new Map<string, NodeStreamableHTTPServerTransport>()
    const sessions = new Map<McpServer, Set<string>>()
    const open = async () => {
      const transport = new NodeStreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (id) => void transports.set(id, transport),
      })
      const session = newServer('legacy', shelf)
      sessions.set(session, followSubscriptions(session))
      session.server.onclose = () => sessions.delete(session)
      await session.connect(transport)
      return transport
    }
    const { server, port } = await listen(async (req, res) => {
      const id = req.headers['mcp-session-id']
      const transport = id === undefined ? await open() : transports.get(String(id))
      if (transport) return transport.handleRequest(req, res)
      res.writeHead(404).end()
    })
    return {
      port,
      path: '/mcp',
      offers,
      async change() {
        const text = shelf.change()
        const { uri } = offers.resource
        for (const [{ server }, subscribed] of sessions) {
          if (subscribed.has(uri)) await server.sendResourceUpdated({ uri })
        }
        return text
      },
      async addResource() {
        const uri = shelf.add()
        for (const session of sessions.keys()) putResource(session, shelf, uri)
        return uri
      },
      close: () => stop(server),
    }
  },
}

/** What a session is subscribed to: the package leaves it to its user to remember. */
function followSubscriptions({ server }: McpServer): Set<string> {
  const subscribed = new Set<string>()
  server.setRequestHandler('resources/subscribe', ({ params }) => {
    subscribed.add(params.uri)
    return {}
  })
  server.setRequestHandler('resources/unsubscribe', ({ params }) => {
    subscribed.delete(params.uri)
    return {}
  })
  return subscribed
}
