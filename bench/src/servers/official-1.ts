// @modelcontextprotocol/sdk 1.x, wired to express as its examples are.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { serveOfficial1 } from '@tidings/testkit/peers/official-1'
import * as z from 'zod'
import { echoText } from '../wire.ts'
import { control } from './control.ts'

function newServer(): McpServer {
  const capabilities = { resources: { subscribe: true, listChanged: true } }
  const server = new McpServer({ name: 'official-1', version: '1.0.0' }, { capabilities })
  server.registerTool('echo', { inputSchema: { text: z.string(), times: z.number() } }, (input) => ({
    content: [{ type: 'text', text: echoText(input) }],
  }))
  return server
}

const { port, changed } = await serveOfficial1(newServer)
control({ port, publish: changed })
