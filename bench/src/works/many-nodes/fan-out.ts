import type { Child } from '../../child.ts'
import type { Lab, Measured } from '../../lab.ts'
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
    const { server, port, alonePort } = await lab.startNodeAndAlone(await lab.startRedis())
    const count = lab.count(subscribers)
    const [load, aloneLoad] = [
      await subscribersOf(lab, port, count),
      await subscribersOf(lab, alonePort, count),
    ]
    const changes = Math.ceil(lab.seconds(seconds) * changesPerSecond)
    const publishBy = async (name: 'node' | 'alone', of: Child) => {
      await server.ask('choose', name)
      return publish(server, of, changes)
    }
    const perEvent = ({ subject, result }: Measured<number>) => (subject.cpuMs * 1000) / result
    await publishBy('node', load)
    await publishBy('alone', aloneLoad)
    const { subject, beside, ratio } = await inTurns(
      turns,
      async () => perEvent(await lab.measure(server, load, () => publishBy('node', load))),
      async () => perEvent(await lab.measureBeside(server, aloneLoad, () => publishBy('alone', aloneLoad))),
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
