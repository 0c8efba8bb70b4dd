import type { Child } from '../../child.ts'
import type { Lab } from '../../lab.ts'
import type { CallersToOpen } from '../../load/callers.ts'
import type { Heard, SubscribersToOpen } from '../../load/subscribers.ts'
import type { Changes, Published } from '../../servers/control.ts'
import { median } from '../../statistics.ts'
import { type TransportName, endUri, watchedUri } from '../../wire.ts'
import type { Case } from '../../work.ts'
import { inTurns } from './in-turns.ts'
import { nodesCase } from './nodes-case.ts'

const inFlight = 64
const callSeconds = 1
const subscribers = 1_000
const events = 100_000
const turns = 5

/** Gives a rate by the second. */
type Run = () => Promise<number>

/** `tools/call` at one port of two workers of node:cluster, beside the same of one. */
const calls = (['streamable-http', 'stateless'] satisfies TransportName[]).map((transport) =>
  workersCase(`calls/${transport}`, `tools/call, ${transport}`, 'requests', async (lab, port, load) => {
    await load.ask('openCallers', { port, transport, count: inFlight } satisfies CallersToOpen)
    return () => load.ask<number>('call', { seconds: lab.seconds(callSeconds) })
  }),
)

/** Fan-out of two workers of node:cluster, beside the same of one. The first worker publishes. */
const fanOut = workersCase(
  'fan-out',
  'fan-out to 1,000, http+sse',
  'events',
  async (lab, port, load, server) => {
    const count = lab.count(subscribers)
    const opened: SubscribersToOpen = { port, transport: 'http+sse', count, uris: [watchedUri, endUri] }
    await load.ask('subscribe', opened)
    return async () => {
      await load.ask('startHearing', { withTimes: false })
      const changes: Changes = { uris: [watchedUri], count: Math.ceil(lab.count(events) / count) }
      const { startedAtMs } = await server.ask<Published>('publish', changes)
      await server.ask('publish', { uris: [endUri], count: 1 } satisfies Changes)
      const { events: heard, lastAtMs } = await load.ask<Heard>('heard')
      return (heard / (lastAtMs - startedAtMs)) * 1000
    }
  },
)

export const workers: Case[] = [...calls, fanOut]

function workersCase(
  name: string,
  title: string,
  what: string,
  prepare: (lab: Lab, port: number, load: Child, server: Child) => Promise<Run>,
): Case {
  return nodesCase(
    `workers/${name}`,
    [
      { key: 'ratio', title: `${title}: 2 workers of node:cluster, ${what}/s, to 1`, unit: 'x' },
      { key: 'rate', title: 'the same: 2 workers', unit: `${what}/s` },
      { key: 'oneRate', title: 'the same: 1 worker', unit: `${what}/s` },
      { key: 'serverShare', title: 'the same: 2 workers and their primary', unit: 'cores' },
      { key: 'loadShare', title: 'the same: the load on 2 workers', unit: 'cores' },
      { key: 'oneServerShare', title: 'the same: 1 worker and its primary', unit: 'cores' },
      { key: 'oneLoadShare', title: 'the same: the load on 1 worker', unit: 'cores' },
    ],
    async (lab) => {
      const open = async (count: number) => {
        const { server, port } = await lab.startWorkers(count)
        const load = await lab.startLoad()
        const run = await prepare(lab, port, load, server)
        await run()
        return { server, load, run, serverShares: [] as number[], loadShares: [] as number[] }
      }
      const [two, one] = [await open(2), await open(1)]
      const measureOf = (side: typeof two, isSubject: boolean) => async () => {
        const { server, load, run } = side
        const measured = isSubject
          ? await lab.measure(server, load, run)
          : await lab.measureBeside(server, load, run)
        side.serverShares.push(measured.shares.subjectShare)
        side.loadShares.push(measured.shares.otherShare)
        return measured.result
      }
      const { subject, beside, ratio } = await inTurns(turns, measureOf(two, true), measureOf(one, false))
      return {
        ratio,
        rate: subject,
        oneRate: beside,
        serverShare: median(two.serverShares),
        loadShare: median(two.loadShares),
        oneServerShare: median(one.serverShares),
        oneLoadShare: median(one.loadShares),
      }
    },
    { needsRedis: false },
  )
}
