import { setImmediate, setTimeout } from 'node:timers/promises'
import type { McpServer } from '@tidings/server'
import * as z from 'zod'

// How long a burst may keep the event loop to itself, and how often it reports, in milliseconds.
const sliceMs = 10
const reportMs = 200

/** `demo://counter`, and the tool `burst` that changes it as fast as asked: to see and to measure delivery. */
export function counter(server: McpServer): void {
  let value = 0
  const resource = server.resource(
    'demo://counter',
    {
      name: 'counter',
      title: 'Counter',
      description: 'Counts the changes of burst',
      mimeType: 'application/json',
    },
    () => value,
  )

  server.tool(
    'burst',
    {
      title: 'Burst of changes',
      description: 'Changes demo://counter many times: watch how few notifications tell of all of them',
      input: z.object({
        count: z.int().min(1).max(1_000_000).default(1000).describe('How many changes'),
        intervalMs: z
          .int()
          .min(0)
          .max(60_000)
          .default(0)
          .describe('Milliseconds between two changes; 0 is as fast as can be'),
      }),
      output: z.object({
        changes: z.int(),
        counter: z.int(),
        elapsedMs: z.number(),
        changesPerSecond: z.int(),
      }),
      annotations: { destructiveHint: false, openWorldHint: false },
    },
    async ({ count, intervalMs }, { signal, progress }) => {
      const startedAt = performance.now()
      let sliceAt = startedAt
      let reportAt = startedAt + reportMs
      for (let changes = 1; changes <= count; changes++) {
        value += 1
        resource.changed()
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
