// fastmcp, over HTTP.
import { serveFastmcp } from '@tidings/testkit/peers/fastmcp'
import * as z from 'zod'
import { echoText, watchedUri } from '../wire.ts'
import { control } from './control.ts'

const { port, changed } = await serveFastmcp((server) => {
  server.addTool({
    name: 'echo',
    parameters: z.object({ text: z.string(), times: z.number() }),
    execute: async (input) => echoText(input),
  })
  server.addResource({ uri: watchedUri, name: 'climate', load: async () => ({ text: 'warm' }) })
})
control({ port, publish: changed })
