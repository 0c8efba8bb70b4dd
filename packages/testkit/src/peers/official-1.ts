// @modelcontextprotocol/sdk 1.x, wired to express as its examples are. The benchmark measures it: each thing done for a
// request counts.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import {
  type EventStore,
  StreamableHTTPServerTransport,
} from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { SubscribeRequestSchema, UnsubscribeRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import type { Request, Response } from 'express'
import { type Peer, stop } from './peer.ts'
import { Subscriptions } from './subscriptions.ts'

/**
 * Serves HTTP+SSE at `/sse`, and Streamable HTTP at `/mcp`.
 *
 * @param newServer makes the server of one session, with its tools and resources.
 * @param newEventStore makes the store that a session of Streamable HTTP is resumed from; none by default.
 */
export async function serveOfficial1(
  newServer: () => McpServer,
  newEventStore?: () => EventStore,
): Promise<Peer> {
  const subscriptions = new Subscriptions<McpServer>()
  const newSession = () => {
    const session = newServer()
    session.server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
      subscriptions.add(params.uri, session)
      return {}
    })
    session.server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
      subscriptions.remove(params.uri, session)
      return {}
    })
    session.server.onclose = () => subscriptions.removeAll(session)
    return session
  }

  const app = createMcpExpressApp()

  const sseTransports = new Map<string, SSEServerTransport>()
  app.get('/sse', async (_req: Request, res: Response) => {
    const transport = new SSEServerTransport('/messages', res)
    sseTransports.set(transport.sessionId, transport)
    res.on('close', () => sseTransports.delete(transport.sessionId))
    await newSession().connect(transport)
  })
  app.post('/messages', async (req: Request, res: Response) => {
    const transport = sseTransports.get(req.query['sessionId'] as string)
    if (transport) await transport.handlePostMessage(req, res, req.body)
    else res.status(404).end()
  })

  const transports = new Map<string, StreamableHTTPServerTransport>()
  app.all('/mcp', async (req: Request, res: Response) => {
    const id = req.headers['mcp-session-id']
    let transport = transports.get(String(id))
    if (id === undefined) {
      const opened = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (sessionId) => void transports.set(sessionId, opened),
        ...(newEventStore && { eventStore: newEventStore() }),
      })
      await newSession().connect(opened)
      transport = opened
    }
    if (transport) await transport.handleRequest(req, res, req.body)
    else res.status(404).end()
  })

  const http = app.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return {
    port: (http.address() as AddressInfo).port,
    changed: (uri) =>
      Promise.all(Array.from(subscriptions.of(uri), ({ server }) => server.sendResourceUpdated({ uri }))),
    close: () => stop(http),
  }
}
