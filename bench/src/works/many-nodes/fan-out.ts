import type { Child } from '../../child.ts'
import type { Lab } from '../../lab.ts'
import type { Heard, SubscribersToOpen } from '../../load/subscribers.ts'
import type { Changes } from '../../servers/control.ts'
import { endUri, watchedUri } from '../../wire.ts'
import { inTurns } from './in-turns.ts'
import { nodesCase } from './nodes-case.ts'

const subscribers = 1_000
const changesPerSecond = 30
const seconds = 0.5
const turns = 21

/** CPU time of a node per event that it tells, while it publishes through Redis, and while it has no Redis. */
export const fanOutOnRedis = nodesCase(
  'fan-out',
  [
    {
      key: 'ratio',
      title: `fan-out to 1,000 on a node that follows Redis, CPU per event, to the same without`,
      unit: 'x',
      bar: { of: 'value', atMost: 1.05 },
    },
    { key: 'cpu', title: 'the same: CPU per event', unit: 'µs' },
    { key: 'aloneCpu', title: 'the same without Redis: CPU per event', unit: 'µs' },
  ],
  async (lab) => {
    const [node, alone] = [await lab.startNode(await lab.startRedis()), await lab.startNode()]
    const count = lab.count(subscribers)
    const [load, aloneLoad] = [
      await subscribersOf(lab, node.port, count),
      await subscribersOf(lab, alone.port, count),
    ]
    const changes = Math.ceil(lab.seconds(seconds) * changesPerSecond)
    const perEvent = (cpuMs: number, events: number) => (cpuMs * 1000) / events
    for (const [server, of] of [
      [node.server, load],
      [alone.server, aloneLoad],
    ] as const) {
      await publish(server, of, changes)
    }
    const { subject, beside, ratio } = await inTurns(
      turns,
      async () => {
        const measured = await lab.measure(node.server, load, () => publish(node.server, load, changes))
        return perEvent(measured.subject.cpuMs, measured.result)
      },
      async () => {
        const measured = await lab.measureBeside(alone.server, aloneLoad, () =>
          publish(alone.server, aloneLoad, changes),
        )
        return perEvent(measured.subject.cpuMs, measured.result)
      },
    )
    return { ratio, cpu: subject, aloneCpu: beside }
  },
)

async function subscribersOf(lab: Lab, port: number, count: number): Promise<Child> {
  const load = await lab.startLoad()
  const opened: SubscribersToOpen = { port, transport: 'http+sse', count, uris: [watchedUri, endUri] }
  await load.ask('subscribe', opened)
  return load
}

/** Publishes at a pace, at which each change is told by itself. Gives the number of events. */
async function publish(server: Child, load: Child, count: number): Promise<number> {
  await load.ask('startHearing', { withTimes: false })
  await server.ask('pace', { uris: [watchedUri], count, intervalMs: 1000 / changesPerSecond })
  await server.ask('publish', { uris: [endUri], count: 1 } satisfies Changes)
  return (await load.ask<Heard>('heard')).events
}
