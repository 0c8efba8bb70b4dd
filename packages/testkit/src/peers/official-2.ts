// @modelcontextprotocol/server 2.x on node:http, as its documents have it. The benchmark measures it: each thing done for
// a request counts.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  localhostHostValidation,
  localhostOriginValidation,
  NodeStreamableHTTPServerTransport,
  toNodeHandler,
} from '@modelcontextprotocol/node'
import {
  createMcpHandler,
  type CreateMcpHandlerOptions,
  type McpServer,
  type McpServerFactory,
} from '@modelcontextprotocol/server'
import { type Peer, stop } from './peer.ts'
import { Subscriptions } from './subscriptions.ts'

/**
 * Serves the legacy era at `/mcp`, with sessions.
 *
 * @param newServer makes the server of one session, with its tools and resources.
 */
export async function serveOfficial2Sessions(newServer: () => McpServer): Promise<Peer> {
  const subscriptions = new Subscriptions<McpServer>()
  const newSession = () => {
    const session = newServer()
    session.server.setRequestHandler('resources/subscribe', ({ params }) => {
      subscriptions.add(params.uri, session)
      return {}
    })
    session.server.setRequestHandler('resources/unsubscribe', ({ params }) => {
      subscriptions.remove(params.uri, session)
      return {}
    })
    session.server.onclose = () => subscriptions.removeAll(session)
    return session
  }

  const transports = new Map<string, NodeStreamableHTTPServerTransport>()
  const http = await listen(async (req, res) => {
    const id = req.headers['mcp-session-id']
    let transport = transports.get(String(id))
    if (id === undefined) {
      const opened = new NodeStreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (sessionId) => void transports.set(sessionId, opened),
      })
      await newSession().connect(opened)
      transport = opened
    }
    if (transport) await transport.handleRequest(req, res)
    else res.writeHead(404).end()
  })
  return {
    port: portOf(http),
    changed: (uri) =>
      Promise.all(Array.from(subscriptions.of(uri), ({ server }) => server.sendResourceUpdated({ uri }))),
    close: () => stop(http),
  }
}

/** Serves the modern era at `/mcp`, without sessions. */
export async function serveOfficial2Modern(
  newServer: McpServerFactory,
  options?: CreateMcpHandlerOptions,
): Promise<Peer & { resourcesChanged: () => void }> {
  const handler = createMcpHandler(newServer, options)
  const answer = toNodeHandler(handler)
  const http = await listen((req, res) => answer(req as Parameters<typeof answer>[0], res))
  return {
    port: portOf(http),
    changed: (uri) => handler.notify.resourceUpdated(uri),
    resourcesChanged: () => handler.notify.resourcesChanged(),
    async close() {
      await handler.close()
      await stop(http)
    },
  }
}

async function listen(answer: (req: IncomingMessage, res: ServerResponse) => Promise<void>) {
  const validateHost = localhostHostValidation()
  const validateOrigin = localhostOriginValidation()
  const http = createServer((req, res) => {
    if (!validateHost(req, res) || !validateOrigin(req, res)) return
    answer(req, res).catch(() => res.headersSent || res.writeHead(500).end())
  }).listen(0, '127.0.0.1')
  await once(http, 'listening')
  return http
}

const portOf = (http: ReturnType<typeof createServer>) => (http.address() as AddressInfo).port
