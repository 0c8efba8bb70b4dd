// fastmcp, over HTTP.
import { FastMCP } from 'fastmcp'
import * as z from 'zod'
import { echoText, watchedUri } from '../wire.ts'
import { control } from './control.ts'
import { freePort } from './free-port.ts'

const silent = { debug() {}, error: console.error, info() {}, log() {}, warn() {} }

const server = new FastMCP({ name: 'fastmcp', version: '1.0.0', logger: silent })
server.addTool({
  name: 'echo',
  parameters: z.object({ text: z.string(), times: z.number() }),
  execute: async (input) => echoText(input),
})
server.addResource({ uri: watchedUri, name: 'climate', load: async () => ({ text: 'warm' }) })
const port = await freePort()
await server.start({ transportType: 'httpStream', httpStream: { port, host: '127.0.0.1' } })
control({ port, publish: (uri) => server.sendResourceUpdated(uri) })
