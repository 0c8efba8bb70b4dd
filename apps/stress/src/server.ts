// The server under load, in a process of its own. Its options are its argument, as JSON; commands come over IPC.
import { McpServer, serve, type ServeOptions } from '@tidings/server'
import * as z from 'zod'
import { type Commands, type Newest, type Reply, type Request, sharedNow } from './commands.ts'
import { changesOf } from './change-index.ts'

const options = JSON.parse(process.argv[2] ?? '{}') as ServeOptions
const server = new McpServer({ name: 'stress', version: '0' })
const versions = new Map<string, Newest>()

server.template('stress:///{topic}', {}, ({ topic }) => {
  return String(versions.get(`stress:///${String(topic)}`)?.version ?? 0)
})
server.tool('echo', { input: z.object({ value: z.number() }) }, ({ value }) => ({
  structuredContent: { value },
}))
server.tool('wait', { input: z.object({ ms: z.number() }) }, async ({ ms }) => {
  await new Promise((resolve) => setTimeout(resolve, ms))
  return { structuredContent: { waited: ms } }
})
server.tool('say', { input: z.object({ bytes: z.number() }) }, ({ bytes }, { progress }) => {
  progress({ progress: 1 })
  return { content: [{ type: 'text', text: 'x'.repeat(bytes) }] }
})

const serving = await serve(server, {
  ...options,
  principal: (ctx) => ctx.get('Authorization') || undefined,
})

function publish(topic: string): Newest {
  const newest = { version: (versions.get(topic)?.version ?? 0) + 1, seq: changesOf(server).seq + 1 }
  versions.set(topic, newest)
  server.changed(topic)
  return newest
}

const commands: {
  [Name in keyof Commands]: (params: Commands[Name]['params']) => Promise<Commands[Name]['result']>
} = {
  async publish({ topics, times, perTick = 100, everyMs }) {
    const publishedAt: [number, number][] = []
    for (let i = 0; i < times; i++) {
      const topic = topics[i % topics.length]!
      if (everyMs !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, everyMs))
        const atMs = sharedNow()
        publishedAt.push([publish(topic).seq, atMs])
        continue
      }
      publish(topic)
      if (i % perTick === perTick - 1) await new Promise(setImmediate)
    }
    const newest = Object.fromEntries(topics.map((topic) => [topic, versions.get(topic)!]))
    return { newest, publishedAt }
  },

  async memory() {
    for (let i = 0; i < 3; i++) {
      globalThis.gc!()
      await new Promise(setImmediate)
    }
    const { rss, heapUsed, external } = process.memoryUsage()
    return { rss, heap: heapUsed + external, peakRss: process.resourceUsage().maxRSS * 1024 }
  },

  async state() {
    const handles: Record<string, number> = {}
    for (const name of process.getActiveResourcesInfo()) handles[name] = (handles[name] ?? 0) + 1
    const sockets = await new Promise<number>((resolve, reject) =>
      serving.http.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    )
    return { topics: changesOf(server).size, sockets, handles }
  },
}

function send(reply: Reply): void {
  process.send!(reply)
}

process.on('message', ({ id, name, params }: Request) => {
  const run = commands[name] as (params: unknown) => Promise<unknown>
  void run(params).then((result) => send({ id, result }))
})

// It exits by itself, since nothing is left that would keep it alive; and with 0, since nothing went wrong.
process.once('SIGTERM', () => void serving.close().then(() => process.disconnect()))

send({ port: serving.port })
