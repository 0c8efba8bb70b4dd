import { setTimeout as after } from 'node:timers/promises'
import { McpServer, serve } from '@tidings/server'
import * as z from 'zod'
import { offers, question, type ServerKind } from '../peer-server.ts'
import { Shelf } from './shelf.ts'

/** Our server, all transports open. */
export const tidings: ServerKind = {
  name: 'our server',
  revision: '2026-07-28',
  async start() {
    const shelf = new Shelf()
    const server = newServer()
    const put = (uri: string) => server.resource(uri, {}, () => shelf.read(uri))
    const news = put(offers.resource.uri)
    const serving = await serve(server, { retryMs: 20 })
    return {
      port: serving.port,
      path: '/mcp',
      offers,
      async change() {
        const text = shelf.change()
        news.changed()
        return text
      },
      addResource: async () => put(shelf.add()).uri,
      close: () => serving.close({ deadlineMs: 0 }),
    }
  },
}

const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] })

function newServer(): McpServer {
  const server = new McpServer({ name: 'tidings', version: '1.0.0' })
  server.tool('add', { input: z.object({ a: z.number(), b: z.number() }) }, ({ a, b }) => text(`${a + b}`))
  server.tool('steps', {}, async (_args, { progress }) => {
    for (const step of offers.steps.heard) {
      progress({ progress: step })
      await after(20)
    }
    return text('done')
  })
  server.tool('greet', {}, async (_args, { elicit }) => {
    const { content } = await elicit(question)
    return text(`Hello ${String(content?.name)}`)
  })
  return server
}
