import { setTimeout } from 'node:timers/promises'
import type { McpServer } from '@tidings/server'
import * as z from 'zod'

/** The tool `countdown`: reports progress every second and stops when it is cancelled. */
export function countdown(server: McpServer): void {
  server.tool(
    'countdown',
    {
      title: 'Count down',
      description: 'Counts down, reports progress every second, and stops when you cancel it.',
      input: z.object({ seconds: z.int().min(1).max(600).default(5).meta({ title: 'Duration (seconds)' }) }),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    async ({ seconds }, { signal, progress }) => {
      for (let left = seconds; left > 0; left--) {
        progress({ progress: seconds - left, total: seconds, message: `${left} s left` })
        await setTimeout(1000, undefined, { signal })
      }
      progress({ progress: seconds, total: seconds, message: 'Lift-off' })
      return { content: [{ type: 'text', text: `Counted down from ${seconds}.` }] }
    },
  )
}
