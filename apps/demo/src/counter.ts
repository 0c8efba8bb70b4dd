import { setImmediate, setTimeout } from 'node:timers/promises'
import type { McpServer } from '@tidings/server'
import * as z from 'zod'
import type { SharedState } from './shared-state.ts'

// The longest time that a burst keeps the event loop busy, and the time between two reports, in milliseconds.
const sliceMs = 10
const reportMs = 200
// The changes that are stored together where they are to be as fast as possible: several nodes store them in Redis.
const batchSize = 100

/** `demo://counter`, and the tool `burst` that changes it many times: to see and to measure delivery. */
export function counter(server: McpServer, state: SharedState): void {
  const resource = server.resource(
    'demo://counter',
    {
      name: 'counter',
      title: 'Counter',
      description: 'The number of changes that the tool burst has made',
      mimeType: 'application/json',
    },
    () => state.count('counter'),
  )

  server.tool(
    'burst',
    {
      title: 'Burst of changes',
      description:
        'Changes demo://counter many times. Watch how few notifications it takes to keep every page up to date.',
      input: z.object({
        count: z.int().min(1).max(1_000_000).default(1000).meta({ title: 'Number of changes' }),
        intervalMs: z
          .int()
          .min(0)
          .max(60_000)
          .default(0)
          .meta({ title: 'Interval (ms)', description: '0 is as fast as possible' }),
      }),
      output: z.object({
        changes: z.int().meta({ title: 'Changes made' }),
        counter: z.int().meta({ title: 'Counter' }),
        elapsedMs: z.number().meta({ title: 'Time taken' }),
        changesPerSecond: z.int().meta({ title: 'Changes per second' }),
      }),
      annotations: { destructiveHint: false, openWorldHint: false },
    },
    async ({ count, intervalMs }, { signal, progress }) => {
      const startedAt = performance.now()
      let sliceAt = startedAt
      let reportAt = startedAt + reportMs
      let value = 0
      let changes = 0
      while (changes < count) {
        const batch = intervalMs > 0 ? 1 : Math.min(batchSize, count - changes)
        value = await state.increase('counter', batch)
        changes += batch
        for (let i = 0; i < batch; i++) resource.changed()
        const now = performance.now()
        if (now >= reportAt) {
          progress({ progress: changes, total: count, message: `${changes} of ${count} changes` })
          reportAt = now + reportMs
        }
        if (intervalMs > 0 && changes < count) await setTimeout(intervalMs, undefined, { signal })
        else if (now >= sliceAt + sliceMs) {
          await setImmediate(undefined, { signal })
          sliceAt = performance.now()
        }
      }
      const elapsedMs = Math.round((performance.now() - startedAt) * 10) / 10
      const changesPerSecond = Math.round(count / (Math.max(elapsedMs, 0.1) / 1000))
      return { structuredContent: { changes: count, counter: value, elapsedMs, changesPerSecond } }
    },
  )
}
