// A node of a cluster, in a process of its own. Its options are its argument, as JSON. Its parent announces changes by it, and is
// told of what happens in it.
import { RedisBackplane } from '@tidings/redis'
import { type Logger, McpServer, serve } from '@tidings/server'
import { z } from 'zod'
import type { NodeMessage, NodeOptions } from './node-process.ts'

const { redisUrl, leaseMs, topics, requestsPerConnection } = JSON.parse(process.argv[2]!) as NodeOptions
const tell = (message: NodeMessage) => void (process.connected && process.send!(message))
const nothing = () => {}
const log = (fields: object, message: string) => {
  if (message === 'session opened') tell({ opened: true })
  const texts = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`)
  console.log(`${message} ${texts.join(' ')}`)
}
const logger: Logger = { debug: log, info: log, warn: log, error: log }

const backplane = new RedisBackplane({ url: redisUrl }, { leaseMs, logger })
const server = new McpServer({ name: 'node', version: '1.0.0' }, { backplane, logger })
for (const topic of topics) server.resource(topic, {}, () => topic)
const input = z.object({ call: z.number() })
server.tool('echo', { input }, ({ call }) => {
  tell({ ran: call })
  return { content: [{ type: 'text', text: 'echo' }] }
})
server.tool('slow', { input }, async ({ call }, { progress, signal }) => {
  tell({ ran: call })
  for (let i = 1; i <= 4 && !signal.aborted; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    progress({ progress: i })
  }
  return { content: [{ type: 'text', text: 'slow' }] }
})

const serving = await serve(server, { retryMs: 50 })
serving.http.maxRequestsPerSocket = requestsPerConnection
let resyncs = -1
await backplane.follow({
  resync: () => tell({ resyncs: ++resyncs }),
  changed: nothing,
})
process.on('message', (topic: string) => server.changed(topic))
process.on('disconnect', () => process.exit())
process.once('SIGTERM', () => {
  void serving
    .close({ deadlineMs: 2_000 })
    .then(() => backplane.close())
    .then(() => process.exit())
})
tell({ port: serving.port })
