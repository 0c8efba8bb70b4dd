// @modelcontextprotocol/sdk 1.x, wired to express as its examples are.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { SubscribeRequestSchema, UnsubscribeRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import type { Request, Response } from 'express'
import * as z from 'zod'
import { echoText } from '../wire.ts'
import { control } from './control.ts'
import { Subscriptions } from './subscriptions.ts'

const subscriptions = new Subscriptions<McpServer>()

function newServer(): McpServer {
  const capabilities = { resources: { subscribe: true, listChanged: true } }
  const server = new McpServer({ name: 'official-1', version: '1.0.0' }, { capabilities })
  server.registerTool('echo', { inputSchema: { text: z.string(), times: z.number() } }, (input) => ({
    content: [{ type: 'text', text: echoText(input) }],
  }))
  server.server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    subscriptions.add(params.uri, server)
    return {}
  })
  server.server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
    subscriptions.remove(params.uri, server)
    return {}
  })
  server.server.onclose = () => subscriptions.removeAll(server)
  return server
}

const app = createMcpExpressApp()

const sseTransports = new Map<string, SSEServerTransport>()
app.get('/sse', async (_req: Request, res: Response) => {
  const transport = new SSEServerTransport('/messages', res)
  sseTransports.set(transport.sessionId, transport)
  res.on('close', () => sseTransports.delete(transport.sessionId))
  await newServer().connect(transport)
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
    })
    await newServer().connect(opened)
    transport = opened
  }
  if (transport) await transport.handleRequest(req, res, req.body)
  else res.status(404).end()
})

const http = app.listen(0, '127.0.0.1')
await once(http, 'listening')
control({
  port: (http.address() as AddressInfo).port,
  publish: (uri) =>
    Promise.all(Array.from(subscriptions.of(uri), ({ server }) => server.sendResourceUpdated({ uri }))),
})
