// @modelcontextprotocol/server 2.x on node:http, as its documents have it: sessions for the legacy era, none for the
// modern one.
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
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { echoText } from '../wire.ts'
import { control } from './control.ts'
import { Subscriptions } from './subscriptions.ts'

const isModern = process.argv.includes('stateless')
const subscriptions = new Subscriptions<McpServer>()
const inputSchema = z.object({ text: z.string(), times: z.number() })

function newServer(): McpServer {
  const capabilities = { resources: { subscribe: true, listChanged: true } }
  const server = new McpServer({ name: 'official-2', version: '1.0.0' }, { capabilities })
  server.registerTool('echo', { inputSchema }, (input) => ({
    content: [{ type: 'text', text: echoText(input) }],
  }))
  return server
}

function newSession(): McpServer {
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

async function answerInSession(req: IncomingMessage, res: ServerResponse): Promise<void> {
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
}

// By default it takes 1,024 listen streams.
const handler = createMcpHandler(newServer, { maxSubscriptions: 20_000 })
const answerModern = toNodeHandler(handler)
const validateHost = localhostHostValidation()
const validateOrigin = localhostOriginValidation()

const http = createServer((req, res) => {
  if (!validateHost(req, res) || !validateOrigin(req, res)) return
  if (isModern) void answerModern(req as Parameters<typeof answerModern>[0], res)
  else void answerInSession(req, res)
}).listen(0, '127.0.0.1')
await once(http, 'listening')
control({
  port: (http.address() as AddressInfo).port,
  publish: (uri) =>
    isModern
      ? handler.notify.resourceUpdated(uri)
      : Promise.all(Array.from(subscriptions.of(uri), ({ server }) => server.sendResourceUpdated({ uri }))),
})
