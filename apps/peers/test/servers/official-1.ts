import { setTimeout as after } from 'node:timers/promises'
import { InMemoryEventStore } from '@modelcontextprotocol/sdk/examples/shared/inMemoryEventStore.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { serveOfficial1 } from '@tidings/testkit/peers/official-1'
import * as z from 'zod'
import { offers, question, type Served, type ServerKind } from '../peer-server.ts'
import { Shelf } from './shelf.ts'

/** The server of `@modelcontextprotocol/sdk`, over the transport of 2024-11-05. */
export const official1Sse: ServerKind = {
  name: 'official 1.x over SSE',
  revision: '2025-11-25',
  start: () => start('/sse'),
}

/** The server of `@modelcontextprotocol/sdk` with sessions, and the event store it comes with. */
export const official1Streamable: ServerKind = {
  name: 'official 1.x over Streamable HTTP',
  revision: '2025-11-25',
  start: () => start('/mcp'),
}

async function start(path: string): Promise<Served> {
  const shelf = new Shelf()
  const put = (server: McpServer, uri: string) =>
    server.registerResource(uri, uri, {}, () => ({ contents: [{ uri, text: shelf.read(uri) }] }))
  const sessions: McpServer[] = []
  const newSession = () => {
    const session = newServer()
    for (const uri of shelf.uris) put(session, uri)
    sessions.push(session)
    return session
  }
  const { port, changed, close } = await serveOfficial1(newSession, () => new InMemoryEventStore())
  return {
    port,
    path,
    offers,
    async change() {
      const text = shelf.change()
      await changed(offers.resource.uri)
      return text
    },
    async addResource() {
      const uri = shelf.add()
      for (const session of sessions) put(session, uri)
      return uri
    },
    close,
  }
}

const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] })

function newServer(): McpServer {
  const capabilities = { resources: { subscribe: true, listChanged: true } }
  const server = new McpServer({ name: 'official-1', version: '1.0.0' }, { capabilities })
  const numbers = { a: z.number(), b: z.number() }
  server.registerTool('add', { inputSchema: numbers }, ({ a, b }) => text(`${a + b}`))
  server.registerTool('steps', {}, async ({ _meta, sendNotification }) => {
    for (const progress of offers.steps.heard) {
      const params = { progressToken: _meta!.progressToken!, progress }
      await sendNotification({ method: 'notifications/progress', params })
      await after(20)
    }
    return text('done')
  })
  server.registerTool('greet', {}, async () => {
    const { content } = await server.server.elicitInput(question)
    return text(`Hello ${String(content?.['name'])}`)
  })
  return server
}
