import { setTimeout as after } from 'node:timers/promises'
import { serveFastmcp } from '@tidings/testkit/peers/fastmcp'
import type { FastMCP } from 'fastmcp'
import * as z from 'zod'
import { offers, question, type ServerKind } from '../peer-server.ts'
import { Shelf } from './shelf.ts'

/** `fastmcp`, over Streamable HTTP with sessions. */
export const fastmcp: ServerKind = {
  name: 'fastmcp',
  revision: '2025-11-25',
  async start() {
    const shelf = new Shelf()
    const put = (server: FastMCP, uri: string) =>
      server.addResource({ uri, name: uri, load: async () => ({ text: shelf.read(uri) }) })
    const { server, port, changed, close } = await serveFastmcp((server) => {
      addTools(server)
      put(server, offers.resource.uri)
    })
    return {
      port,
      path: '/mcp',
      offers,
      async change() {
        const text = shelf.change()
        await changed(offers.resource.uri)
        return text
      },
      async addResource() {
        const uri = shelf.add()
        put(server, uri)
        return uri
      },
      close,
    }
  },
}

function addTools(server: FastMCP): void {
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
}
