import { until } from '@tidings/testkit/until'
import { open, proxyTo, startRedis } from './open.ts'
import { RecordingFollower } from './recording.ts'

import.meta.jest.setTimeout(30_000)

test('a follower that was away for longer than the log reaches back is told anew, in the same epoch', async () => {
  const redis = await startRedis()
  const proxy = await proxyTo(redis.port)
  const [far, near] = [open(proxy.port), open(redis.port)]
  const follower = new RecordingFollower()
  await far.follow(follower)
  near.publish('a:1')
  await until(() => follower.knows('a:1'), 'the first')
  const { epoch } = follower
  proxy.goDown()
  near.publish('b:1')
  await until(async () => (await redis.command('xlen', '{tidings}:log')) === '2', 'it is logged')
  near.publish('c:1')
  await until(async () => (await redis.command('xlen', '{tidings}:log')) === '3', 'it is logged')
  await redis.command('xtrim', '{tidings}:log', 'maxlen', '1')
  proxy.heal()
  await until(() => follower.knows('b:1') && follower.knows('c:1'), 'what was trimmed')
  expect(follower.epoch).toBe(epoch)
})

test('a follower that is connected, and behind a log that was trimmed, is told anew', async () => {
  const redis = await startRedis()
  const [one, two] = [open(redis.port), open(redis.port)]
  const follower = new RecordingFollower()
  await one.follow(follower)
  one.publish('a:1')
  await until(() => follower.knows('a:1'), 'the first')
  // In one step, so that nobody reads the second before it is gone.
  const entry = (seq: number, topic: string) =>
    `redis.call('HINCRBY', KEYS[1], 'seq', 1) redis.call('ZADD', KEYS[3], ${seq}, '${topic}') redis.call('XADD', KEYS[2], '${seq}-0', 'batch', 'other:${seq}', 'after', '${seq - 1}', 'topics', '["${topic}"]')`
  const script = `${entry(2, 'b:1')} ${entry(3, 'c:1')} redis.call('XTRIM', KEYS[2], 'MAXLEN', 1)`
  await redis.command('eval', script, '3', '{tidings}:order', '{tidings}:log', '{tidings}:topics')
  await until(() => follower.knows('b:1') && follower.knows('c:1'), 'what was trimmed')
  two.publish('d:1')
  await until(() => follower.knows('d:1'), 'the change after')
  expect(new Set(follower.snapshots.map((each) => each.epoch)).size).toBe(1)
})

test.each(['order', 'log', 'topics', 'nodes'])(
  'Redis evicts the key %s: changes go on, and nothing is claimed that is not known',
  async (key) => {
    const redis = await startRedis()
    const backplane = open(redis.port)
    const follower = new RecordingFollower()
    await backplane.follow(follower)
    for (const topic of ['a:1', 'a:2']) {
      backplane.publish(topic)
      await until(() => follower.knows(topic), topic)
    }
    await redis.command('del', `{tidings}:${key}`)
    const early = new RecordingFollower()
    await open(redis.port).follow(early)
    backplane.publish('b:1')
    await until(() => follower.knows('b:1') && early.knows('b:1'), 'the change after')
    const late = new RecordingFollower()
    await open(redis.port).follow(late)
    expect(late.knows('b:1')).toBe(true)
    if (key !== 'topics') return
    // What changed before that may not be claimed to be known.
    expect(early.snapshots[0]).toMatchObject({ seq: 2, completeFrom: 2, changes: [] })
    expect(late.snapshots[0]).toMatchObject({ seq: 3, completeFrom: 2, changes: [['b:1', 3]] })
  },
)
