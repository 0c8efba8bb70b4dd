import { setTimeout as after } from 'node:timers/promises'
import { FastMCP } from 'fastmcp'
import * as z from 'zod'
import { offers, question, type ServerKind } from '../peer-server.ts'
import { freePort } from './listen.ts'
import { Shelf } from './shelf.ts'

const silent = { debug() {}, error() {}, info() {}, log() {}, warn() {} }

/** `fastmcp`, over Streamable HTTP with sessions. */
export const fastmcp: ServerKind = {
  name: 'fastmcp',
  revision: '2025-11-25',
  async start() {
    const server = new FastMCP({ name: 'fastmcp', version: '1.0.0', logger: silent })
    server.addTool({
      name: 'add',
      parameters: z.object({ a: z.number(), b: z.number() }),
      execute: async ({ a, b }) => `${a + b}`,
    })
    server.addTool({
      name: 'steps',
      async execute(_args, { reportProgress }) {
        for (const progress of offers.steps.heard) {
          await reportProgress({ progress })
          await after(20)
        }
        return 'done'
      },
    })
    server.addTool({
      name: 'greet',
      execute: async (_args, { elicit }) => `Hello ${String((await elicit(question)).content?.['name'])}`,
    })
    const shelf = new Shelf()
    const put = (uri: string) =>
      server.addResource({ uri, name: uri, load: async () => ({ text: shelf.read(uri) }) })
    put(offers.resource.uri)
    const port = await freePort()
    await server.start({ transportType: 'httpStream', httpStream: { port, host: '127.0.0.1' } })
    return {
      port,
      path: '/mcp',
      offers,
      async change() {
        const text = shelf.change()
        await server.sendResourceUpdated(offers.resource.uri)
        return text
      },
      async addResource() {
        const uri = shelf.add()
        put(uri)
        return uri
      },
      close: () => server.stop(),
    }
  },
}
