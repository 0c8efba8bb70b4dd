// Our server, all transports open.
import { McpServer, serve } from '@tidings/server'
import * as z from 'zod'
import { echoText, watchedUri } from '../wire.ts'
import { control } from './control.ts'

const server = new McpServer({ name: 'tidings', version: '1.0.0' })
server.tool('echo', { input: z.object({ text: z.string(), times: z.number() }) }, (input) => ({
  content: [{ type: 'text', text: echoText(input) }],
}))
const watched = server.resource(watchedUri, {}, () => 'warm')
const others = server.template('bench:///{name}', {}, () => 'warm')
const { port } = await serve(server)
control({ port, publish: (uri) => (uri === watchedUri ? watched.changed() : others.changed(uri)) })
