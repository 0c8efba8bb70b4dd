// A node of a cluster, in a process of its own. Its options are its argument, as JSON. Its parent announces changes by it, and is
// told when they are in the order of the backplane.
import { RedisBackplane } from '@tidings/redis'
import { type Logger, McpServer, serve } from '@tidings/server'

interface NodeOptions {
  redisUrl: string
  leaseMs: number
  topics: string[]
}

const { redisUrl, leaseMs, topics } = JSON.parse(process.argv[2]!) as NodeOptions
const tell = (message: object) => void (process.connected && process.send!(message))
const nothing = () => {}
const logger: Logger = {
  debug: nothing,
  info: (fields, message) => message === 'session opened' && tell({ opened: true }),
  warn: nothing,
  error: nothing,
}

const backplane = new RedisBackplane({ url: redisUrl }, { leaseMs, logger })
const server = new McpServer({ name: 'node', version: '1.0.0' }, { backplane, logger })
for (const topic of topics) server.resource(topic, {}, () => topic)
server.tool('echo', {}, () => ({ content: [{ type: 'text', text: 'echo' }] }))
server.tool('slow', {}, async (_args, { progress, signal }) => {
  for (let i = 1; i <= 4 && !signal.aborted; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    progress({ progress: i })
  }
  return { content: [{ type: 'text', text: 'slow' }] }
})

const serving = await serve(server, { retryMs: 50 })
let epoch = ''
await backplane.follow({
  resync(snapshot) {
    if (epoch !== '' && snapshot.epoch !== epoch) tell({ begunAnew: snapshot.epoch })
    epoch = snapshot.epoch
    for (const [topic] of snapshot.changes) tell({ changed: topic })
  },
  changed: (topic) => tell({ changed: topic }),
})
process.on('message', (topic: string) => server.changed(topic))
process.on('disconnect', () => process.exit())
process.once('SIGTERM', () => {
  void serving
    .close({ deadlineMs: 2_000 })
    .then(() => backplane.close())
    .then(() => process.exit())
})
tell({ port: Number(new URL(serving.url).port) })
