import { setTimeout as after } from 'node:timers/promises'
import { acceptedContent, inputRequired, McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { offers, question } from '../peer-server.ts'
import type { Shelf } from './shelf.ts'

const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] })

/** A server of `@modelcontextprotocol/server`: for one session, or for one request of the modern era. */
export function newServer(era: 'legacy' | 'modern', shelf: Shelf): McpServer {
  const capabilities = { resources: { subscribe: true, listChanged: true } }
  const server = new McpServer({ name: 'official-2', version: '1.0.0' }, { capabilities })
  const inputSchema = z.object({ a: z.number(), b: z.number() })
  server.registerTool('add', { inputSchema }, ({ a, b }) => text(`${a + b}`))
  server.registerTool('steps', {}, async ({ mcpReq }) => {
    for (const progress of offers.steps.heard) {
      const params = { progressToken: mcpReq._meta!.progressToken!, progress }
      await mcpReq.notify({ method: 'notifications/progress', params })
      await after(20)
    }
    return text('done')
  })
  server.registerTool('greet', {}, async ({ mcpReq }) => {
    if (era === 'legacy') {
      const { content } = await mcpReq.elicitInput(question)
      return text(`Hello ${String(content?.['name'])}`)
    }
    const content = acceptedContent<{ name: string }>(mcpReq.inputResponses, 'who')
    if (content) return text(`Hello ${content.name}`)
    return inputRequired({ inputRequests: { who: inputRequired.elicit(question) } })
  })
  for (const uri of shelf.uris) putResource(server, shelf, uri)
  return server
}

/** Adds a resource of the shelf to a server. */
export function putResource(server: McpServer, shelf: Shelf, uri: string): void {
  server.registerResource(uri, uri, {}, () => ({ contents: [{ uri, text: shelf.read(uri) }] }))
}
