import { setTimeout as after } from 'node:timers/promises'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { SubscribeRequestSchema, UnsubscribeRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import * as z from 'zod'
import { offers, question } from '../peer-server.ts'
import { Shelf } from './shelf.ts'

/** The sessions of a server of `@modelcontextprotocol/sdk`, which has one `McpServer` for each. */
export class Sessions {
  readonly #shelf = new Shelf()
  /** What each is subscribed to: the package leaves it to its user to remember. */
  readonly #sessions = new Map<McpServer, Set<string>>()

  /** A server for a session that begins. */
  open(): McpServer {
    const server = newServer()
    for (const uri of this.#shelf.uris) this.#put(server, uri)
    const subscribed = new Set<string>()
    server.server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
      subscribed.add(params.uri)
      return {}
    })
    server.server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
      subscribed.delete(params.uri)
      return {}
    })
    server.server.onclose = () => this.#sessions.delete(server)
    this.#sessions.set(server, subscribed)
    return server
  }

  readonly change = async (): Promise<string> => {
    const text = this.#shelf.change()
    const { uri } = offers.resource
    for (const [{ server }, subscribed] of this.#sessions) {
      if (subscribed.has(uri)) await server.sendResourceUpdated({ uri })
    }
    return text
  }

  readonly addResource = async (): Promise<string> => {
    const uri = this.#shelf.add()
    for (const server of this.#sessions.keys()) this.#put(server, uri)
    return uri
  }

  #put(server: McpServer, uri: string): void {
    server.registerResource(uri, uri, {}, () => ({ contents: [{ uri, text: this.#shelf.read(uri) }] }))
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
