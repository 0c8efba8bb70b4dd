import { McpServer, type McpServerOptions } from '@tidings/server'
import * as z from 'zod'
import { echoText, watchedUri } from '../wire.ts'

/** Our server with what all peers serve, and how its resources are told to have changed. */
export function echoServer(options: McpServerOptions = {}) {
  const server = new McpServer({ name: 'tidings', version: '1.0.0' }, options)
  server.tool('echo', { input: z.object({ text: z.string(), times: z.number() }) }, (input) => ({
    content: [{ type: 'text', text: echoText(input) }],
  }))
  const watched = server.resource(watchedUri, {}, () => 'warm')
  const others = server.template('bench:///{name}', {}, () => 'warm')
  const publish = (uri: string) => (uri === watchedUri ? watched.changed() : others.changed(uri))
  return { server, publish }
}
