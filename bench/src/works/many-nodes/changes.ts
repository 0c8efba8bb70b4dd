import type { Heard, SubscribersToOpen } from '../../load/subscribers.ts'
import type { Changes, Published } from '../../servers/control.ts'
import { endUri, numberedUri } from '../../wire.ts'
import { nodesCase } from './nodes-case.ts'

const changes = 300_000

/**
 * Changes of as many topics, one a turn of the event loop of one node, until a subscriber of another node is told of the last.
 * What counts is how many numbers Redis has given.
 */
export const changesThroughRedis = nodesCase(
  'changes',
  [
    {
      key: 'rate',
      title: 'changes through Redis, one publisher, no topic twice',
      unit: 'changes/s',
      bar: { of: 'value', atLeast: 30_000 },
    },
    { key: 'cpu', title: 'the same: CPU of the publisher per change', unit: 'µs' },
    { key: 'followerCpu', title: 'the same: CPU of a follower per change', unit: 'µs' },
    { key: 'redisCpu', title: 'the same: CPU of Redis per change', unit: 'µs' },
  ],
  async (lab) => {
    const redis = await lab.startRedis()
    const [publisher, follower] = [await lab.startNode(redis), await lab.startNode(redis)]
    const load = await lab.startLoad()
    const subscriber: SubscribersToOpen = {
      port: follower.port,
      transport: 'http+sse',
      count: 1,
      uris: [endUri],
    }
    await load.ask('subscribe', subscriber)
    const seq = async () => Number(await redis.command('hget', '{tidings}:order', 'seq'))
    let first = 0
    const publish = async (count: number) => {
      await load.ask('startHearing', { withTimes: false })
      const uris = Array.from({ length: count }, () => numberedUri(first++))
      const { startedAtMs } = await publisher.server.ask<Published>('publish', {
        uris,
        count,
      } satisfies Changes)
      await publisher.server.ask('publish', { uris: [endUri], count: 1 } satisfies Changes)
      return (await load.ask<Heard>('heard')).lastAtMs - startedAtMs
    }
    const count = lab.count(changes)
    await publish(Math.ceil(count / 3))
    const [before, redisBefore, followerBefore] = [
      await seq(),
      await cpuMsOf(redis),
      await follower.server.ask<number>('cpuMs'),
    ]
    const { result, subject, shares } = await lab.measure(publisher.server, load, () => publish(count))
    const numbered = (await seq()) - before
    const perChange = (cpuMs: number) => (cpuMs * 1000) / numbered
    return {
      rate: (numbered / result) * 1000,
      cpu: perChange(subject.cpuMs),
      followerCpu: perChange((await follower.server.ask<number>('cpuMs')) - followerBefore),
      redisCpu: perChange((await cpuMsOf(redis)) - redisBefore),
      ...shares,
    }
  },
)

/** The CPU time that Redis has used. */
async function cpuMsOf(redis: { command(...words: string[]): Promise<string> }): Promise<number> {
  const info = await redis.command('info', 'cpu')
  const seconds = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)![1])
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1000
}
