// The primary of so many workers of node:cluster on one port. Its argument is their number.
import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'
import { ClusterBackplane } from '@tidings/server'
import { freePort } from '@tidings/testkit/free-port'
import { Child } from '../child.ts'
import { answerParent } from '../parent.ts'
import { type Usage, usageTasks } from '../usage.ts'
import type { Changes, Published } from './control.ts'

const [count] = process.argv.slice(2)
const port = await freePort()
ClusterBackplane.serve()
cluster.setupPrimary({
  exec: fileURLToPath(new URL('worker.js', import.meta.url)),
  args: [String(port)],
  execArgv: ['--expose-gc'],
  serialization: 'advanced',
})
const workers = await Promise.all(
  Array.from({ length: Number(count) }, () => Child.of('servers/worker', cluster.fork().process)),
)

answerParent({
  port: () => port,

  begin: async (options: { profile: boolean }) => {
    await usageTasks.begin({ profile: false })
    await Promise.all(workers.map((worker, index) => worker.ask('begin', index === 0 ? options : {})))
  },

  /** What the primary and all workers have used. */
  end: async (options: { profile: string | undefined }): Promise<Usage> => {
    const used = await Promise.all([
      usageTasks.end({ profile: undefined }),
      ...workers.map((worker, index) => worker.ask<Usage>('end', index === 0 ? options : {})),
    ])
    const cpuMs = used.reduce((sum, each) => sum + each.cpuMs, 0)
    return { cpuMs, elapsedMs: used[0].elapsedMs }
  },

  /** The first worker publishes. */
  publish: (changes: Changes) => workers[0]!.ask<Published>('publish', changes),
})
