// The server of a checkout, all transports open.
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import * as z from 'zod'
import { Coverage } from './coverage.ts'
import { serveTasks } from './tasks.ts'
import { watchedUri } from './road.ts'

const [, , checkout = ''] = process.argv
const coverage = await Coverage.start(checkout)
const entry = pathToFileURL(join(checkout, 'packages/server/src/index.ts')).href
const { McpServer, serve } = (await import(entry)) as typeof import('@tidings/server')

const server = new McpServer({ name: 'roads', version: '1.0.0' })
server.tool('echo', { input: z.object({ text: z.string() }) }, async ({ text }) => {
  await turn()
  return { content: [{ type: 'text', text }] }
})
const watched = server.resource(watchedUri, {}, () => 'warm')
const { url } = await serve(server, { port: 0 })
serveTasks(coverage, { url: () => url, change: () => watched.changed() })
