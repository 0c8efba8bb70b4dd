import { setTimeout as after } from 'node:timers/promises'
import { now } from '../clock.ts'
import { answerParent } from '../parent.ts'
import { usageTasks } from '../usage.ts'
import { type TransportName, echo, watchedUri } from '../wire.ts'

/** A client that is measured, connected. */
export interface BenchClient {
  /** Calls a tool, and gives the text it answers. */
  call(name: string, args: Record<string, unknown>): Promise<string>
  /** Has the listener called with the URI of each resource that is told to have changed. */
  subscribe(uri: string, listener: (uri: string) => void): Promise<void>
}

/** The text of a tool's answer. */
export const textOf = (content: unknown): string => (content as [{ text: string }])[0].text

/** Has the client do what the benchmark asks. */
export function control(connect: (transport: TransportName, url: string) => Promise<BenchClient>): void {
  let client: BenchClient
  let heard = 0
  let expected = Infinity
  let resolve: (atMs: number) => void
  let allHeard: Promise<number>

  answerParent({
    ...usageTasks,

    async connect({ transport, port }: { transport: TransportName; port: number }): Promise<void> {
      const path = transport === 'http+sse' || transport === 'paired' ? '/sse' : '/mcp'
      client = await connect(transport, `http://127.0.0.1:${port}${path}`)
    },

    subscribe: () =>
      client.subscribe(watchedUri, (uri) => {
        if (uri === watchedUri && ++heard === expected) resolve(now())
      }),

    /** Waits for so many notifications from now on. */
    startHearing({ count }: { count: number }): void {
      heard = 0
      expected = count
      allHeard = new Promise((settle) => (resolve = settle))
    },

    /** When the last of them had come. */
    heard: () => allHeard,

    /** Keeps so many calls in flight. Gives the calls answered in a second. */
    async call({ inFlight, seconds }: { inFlight: number; seconds: number }): Promise<number> {
      let calls = 0
      let running = true
      let answered!: () => void
      // A rate of nothing is no figure, however short the time and slow the machine.
      const firstAnswer = new Promise<void>((resolve) => (answered = resolve))
      const startedAtMs = now()
      const caller = async () => {
        while (running) {
          const text = await client.call(echo.name, echo.arguments)
          if (text !== echo.says) throw new Error(`Not the answer: ${text}`)
          calls++
          answered()
        }
      }
      const callers = Promise.all(Array.from({ length: inFlight }, caller))
      await Promise.race([Promise.all([after(seconds * 1000), firstAnswer]), callers])
      const perSecond = (calls / (now() - startedAtMs)) * 1000
      running = false
      await callers
      return perSecond
    },
  })
}
