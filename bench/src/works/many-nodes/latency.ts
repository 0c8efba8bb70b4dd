import type { Child } from '../../child.ts'
import type { Lab } from '../../lab.ts'
import type { SubscribersToOpen } from '../../load/subscribers.ts'
import type { Changes } from '../../servers/control.ts'
import { percentile } from '../../statistics.ts'
import { endUri, numberedUri } from '../../wire.ts'
import { nodesCase } from './nodes-case.ts'

const changesPerSecond = 1_000
const seconds = 2
const turns = 3
/** Enough that no topic changes twice before it is told: it would be told once. One session watches 1,000 with the end. */
const topics = Array.from({ length: 999 }, (_, index) => numberedUri(index))

/** From publishing on one node to reception from another, beside the same on one node that has no Redis. */
export const latency = nodesCase(
  'latency',
  [
    {
      key: 'addedP50',
      title: 'publish on one node to notification on another, 1,000 changes/s: added to p50',
      unit: 'ms',
      bar: { of: 'value', atMost: 1.5 },
    },
    { key: 'addedP99', title: 'the same: added to p99', unit: 'ms', bar: { of: 'value', atMost: 8 } },
    { key: 'p50', title: 'the same: p50', unit: 'ms' },
    { key: 'p99', title: 'the same: p99', unit: 'ms' },
    { key: 'aloneP50', title: 'the same on one node without Redis: p50', unit: 'ms' },
    { key: 'aloneP99', title: 'the same on one node without Redis: p99', unit: 'ms' },
  ],
  async (lab) => {
    const alone = await lab.startNode()
    const redis = await lab.startRedis()
    const [publisher, follower] = [await lab.startNode(redis), await lab.startNode(redis)]
    const beside = await subscriberOf(lab, alone.port)
    const subject = await subscriberOf(lab, follower.port)
    const delays: number[] = []
    const aloneDelays: number[] = []
    const count = Math.ceil(lab.seconds(seconds) * changesPerSecond)
    for (const [server, load] of [
      [publisher.server, subject],
      [alone.server, beside],
    ] as const) {
      await delaysOf(server, load, Math.ceil(count / 2))
    }
    for (let turn = 0; turn < turns; turn++) {
      const { result } = await lab.measure(publisher.server, subject, () =>
        delaysOf(publisher.server, subject, count),
      )
      delays.push(...result)
      aloneDelays.push(...(await delaysOf(alone.server, beside, count)))
    }
    const [p50, p99] = [percentile(delays, 50), percentile(delays, 99)]
    const [aloneP50, aloneP99] = [percentile(aloneDelays, 50), percentile(aloneDelays, 99)]
    return { addedP50: p50 - aloneP50, addedP99: p99 - aloneP99, p50, p99, aloneP50, aloneP99 }
  },
)

async function subscriberOf(lab: Lab, port: number): Promise<Child> {
  const load = await lab.startLoad()
  const subscriber: SubscribersToOpen = {
    port,
    transport: 'http+sse',
    count: 1,
    uris: [...topics, endUri],
  }
  await load.ask('subscribe', subscriber)
  return load
}

/** Publishes at the pace, and gives how long each change took to arrive. */
async function delaysOf(publisher: Child, load: Child, count: number): Promise<number[]> {
  await load.ask('startHearing', { withTimes: true })
  const pace = { uris: topics, count, intervalMs: 1000 / changesPerSecond }
  const publishedAtMs = await publisher.ask<number[]>('pace', pace)
  await publisher.ask('publish', { uris: [endUri], count: 1 } satisfies Changes)
  await load.ask('heard')
  const [receivedAtMs] = await load.ask<number[][]>('receivedAtMs')
  if (receivedAtMs!.length !== count) {
    throw new Error(`The subscriber was told ${receivedAtMs!.length} times of ${count} changes`)
  }
  return receivedAtMs!.map((atMs, index) => atMs - publishedAtMs[index]!)
}
