import { setImmediate as nextTurn, setTimeout as after } from 'node:timers/promises'
import { now } from '../clock.ts'
import { answerParent } from '../parent.ts'
import { usageTasks } from '../usage.ts'

/** A server that is measured. */
export interface BenchServer {
  port: number
  /** Tells the subscribers of the resource that it has changed. */
  publish: (uri: string) => unknown
}

/** Which changes are published. */
export interface Changes {
  /** Each in turn, and again from the first. */
  uris: string[]
  count: number
}

/** What the publishing of changes came to. */
export interface Published {
  startedAtMs: number
  /** The most resident memory that was seen on the way, in bytes. */
  peakBytes: number
}

/** Has the server do what the benchmark asks. */
export function control(
  { port, publish }: BenchServer,
  tasks: Record<string, (argument: never) => unknown> = {},
): void {
  answerParent({
    ...usageTasks,
    ...tasks,
    port: () => port,

    /** Publishes one change in each turn of the event loop. */
    async publish({ uris, count }: Changes): Promise<Published> {
      let peakBytes = 0
      const startedAtMs = now()
      for (let index = 0; index < count; index++) {
        await publish(uris[index % uris.length]!)
        await nextTurn()
        if (index % 1_000 === 0) peakBytes = Math.max(peakBytes, process.memoryUsage.rss())
      }
      return { startedAtMs, peakBytes: Math.max(peakBytes, process.memoryUsage.rss()) }
    },

    /** Publishes changes at a pace. Gives when. */
    async pace({ uris, count, intervalMs }: Changes & { intervalMs: number }): Promise<number[]> {
      const atMs: number[] = []
      const startedAtMs = now()
      for (let index = 0; index < count; index++) {
        const earlyMs = startedAtMs + index * intervalMs - now()
        if (earlyMs > 0) await after(earlyMs)
        atMs.push(now())
        await publish(uris[index % uris.length]!)
      }
      return atMs
    },
  })
}
