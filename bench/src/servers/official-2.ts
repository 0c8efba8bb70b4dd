// @modelcontextprotocol/server 2.x on node:http, as its documents have it: sessions for the legacy era, none for the
// modern one.
import { McpServer } from '@modelcontextprotocol/server'
import { serveOfficial2Modern, serveOfficial2Sessions } from '@tidings/testkit/peers/official-2'
import * as z from 'zod'
import { echoText } from '../wire.ts'
import { control } from './control.ts'

const inputSchema = z.object({ text: z.string(), times: z.number() })

function newServer(): McpServer {
  const capabilities = { resources: { subscribe: true, listChanged: true } }
  const server = new McpServer({ name: 'official-2', version: '1.0.0' }, { capabilities })
  server.registerTool('echo', { inputSchema }, (input) => ({
    content: [{ type: 'text', text: echoText(input) }],
  }))
  return server
}

const { port, changed } = process.argv.includes('stateless')
  ? // By default it takes 1,024 listen streams.
    await serveOfficial2Modern(newServer, { maxSubscriptions: 20_000 })
  : await serveOfficial2Sessions(newServer)
control({ port, publish: changed })
