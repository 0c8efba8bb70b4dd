import { until } from '@tidings/testkit/until'
import { open, proxyTo, startRedis } from './open.ts'
import { RecordingFollower, RecordingNode } from './recording.ts'

import.meta.jest.setTimeout(30_000)

test('a mere reconnect keeps the epoch, and tells what was published meanwhile, once', async () => {
  const redis = await startRedis()
  const proxy = await proxyTo(redis.port)
  const [far, near] = [open(proxy.port), open(redis.port)]
  const follower = new RecordingFollower()
  await far.follow(follower)
  near.publish('a:1')
  await until(() => follower.told.length === 1, 'the first')
  proxy.goDown('reset')
  near.publish('a:2')
  far.publish('a:3')
  proxy.heal()
  await until(() => follower.told.length === 3, 'the others')
  expect([...follower.told].sort()).toEqual(['a:1', 'a:2', 'a:3'])
  expect(follower.snapshots).toHaveLength(1)
})

test.each(['aof', 'rdb'] as const)(
  'a restart that lost nothing keeps the epoch (%s)',
  async (persistence) => {
    const redis = await startRedis({ persistence })
    const backplane = open(redis.port)
    const follower = new RecordingFollower()
    await backplane.follow(follower)
    backplane.publish('a:1')
    await until(() => follower.told.length === 1, 'the first')
    await redis.stop()
    backplane.publish('a:2')
    await redis.start()
    await until(() => follower.told.length === 2, 'the change meanwhile')
    expect(new Set(follower.snapshots.map(({ epoch }) => epoch)).size).toBe(1)
  },
)

test('a restart keeps the epoch however the seconds fall', async () => {
  const redis = await startRedis({ persistence: 'aof' })
  const backplane = open(redis.port)
  const follower = new RecordingFollower()
  await backplane.follow(follower)
  for (let i = 0; i < 6; i++) {
    await redis.kill()
    backplane.publish(`a:${i}`)
    await redis.start()
    await until(() => follower.told.length === i + 1, 'the change meanwhile')
  }
  expect(new Set(follower.snapshots.map(({ epoch }) => epoch)).size).toBe(1)
})

test('a first replica changes the id of its master, and nothing else', async () => {
  const redis = await startRedis()
  const backplane = open(redis.port)
  const [follower, node] = [new RecordingFollower(), new RecordingNode('n')]
  await backplane.follow(follower)
  await backplane.join(node)
  const known = () => redis.command('hget', '{tidings}:order', 'replid')
  const before = await known()
  await startRedis({ replicaOf: redis.port })
  await until(async () => (await known()) !== before, 'the new id is known')
  backplane.publish('a:1')
  await until(() => follower.told.length === 1, 'the change after')
  expect([follower.snapshots.length, node.displacements]).toEqual([1, 0])
})

test('a restart that lost everything gives another epoch', async () => {
  const redis = await startRedis()
  const backplane = open(redis.port)
  const [follower, node] = [new RecordingFollower(), new RecordingNode('n')]
  await backplane.follow(follower)
  await backplane.join(node)
  backplane.publish('a:1')
  await until(() => follower.told.length === 1, 'the first')
  const { epoch } = follower
  await redis.kill()
  await redis.start()
  await until(() => follower.epoch !== epoch, 'another epoch')
  await until(() => node.displacements === 1, 'the node is displaced')
  backplane.publish('a:2')
  await until(() => follower.knows('a:2'), 'the change after')
})

test('FLUSHALL gives another epoch, to all', async () => {
  const redis = await startRedis()
  const backplanes = [open(redis.port), open(redis.port)]
  const followers = backplanes.map(() => new RecordingFollower())
  const nodes = backplanes.map((_, i) => new RecordingNode(`n${i}`))
  await Promise.all(backplanes.map((each, i) => each.follow(followers[i]!)))
  await Promise.all(backplanes.map((each, i) => each.join(nodes[i]!)))
  backplanes[0]!.publish('a:1')
  await until(() => followers.every(({ told }) => told.length === 1), 'the first')
  const { epoch } = followers[0]!
  await redis.command('flushall')
  await until(() => followers.every((each) => each.epoch !== epoch), 'another epoch')
  await until(() => followers[0]!.epoch === followers[1]!.epoch, 'one epoch')
  await until(() => nodes.every(({ displacements }) => displacements > 0), 'both are displaced')
  backplanes[1]!.publish('a:2')
  await until(() => followers.every((each) => each.knows('a:2')), 'the change after')
  await backplanes[0]!.send('n0', 'n1', Buffer.from('mail'))
  await until(() => nodes[1]!.mail.length === 1, 'mail after')
})

test('a replica that was behind when it was promoted: another epoch, and no change is missed', async () => {
  const master = await startRedis()
  const replica = await startRedis({ replicaOf: master.port })
  const proxy = await proxyTo(master.port)
  const backplane = open(proxy.port)
  const follower = new RecordingFollower()
  await backplane.follow(follower)
  for (const i of [1, 2, 3, 4, 5]) {
    backplane.publish(`a:${i}`)
    await until(() => follower.told.length === i, `change ${i}`)
  }
  await until(
    async () => (await replica.command('hget', '{tidings}:order', 'seq')) === '5',
    'it is replicated',
  )
  // The replica hears nothing more, and follows the master to 8 as it was at 5.
  await replica.promote()
  for (const i of [6, 7, 8]) {
    backplane.publish(`a:${i}`)
    await until(() => follower.told.length === i, `change ${i}`)
  }
  const { epoch } = follower
  proxy.target = replica.port
  proxy.cut({ how: 'reset' })
  await master.kill()
  await until(() => follower.epoch !== epoch, 'another epoch')
  for (const topic of ['b:1', 'b:2', 'b:3']) backplane.publish(topic)
  await until(() => ['b:1', 'b:2', 'b:3'].every((topic) => follower.knows(topic)), 'the changes after')
})

test('a promoted replica gives another epoch even when nobody is left who has read what was lost', async () => {
  const master = await startRedis()
  const replica = await startRedis({ replicaOf: master.port })
  const first = open(master.port)
  const follower = new RecordingFollower()
  await first.follow(follower)
  first.publish('a:1')
  await until(
    async () => (await replica.command('hget', '{tidings}:order', 'seq')) === '1',
    'it is replicated',
  )
  await replica.promote()
  first.publish('a:2')
  await until(() => follower.told.length === 2, 'a change that is lost')
  await first.close()
  const second = open(replica.port)
  const late = new RecordingFollower()
  await second.follow(late)
  expect(late.epoch).not.toBe(follower.epoch)
})

test('an order that went back gives another epoch: an older copy of the data was restored', async () => {
  const redis = await startRedis()
  const backplane = open(redis.port)
  const follower = new RecordingFollower()
  await backplane.follow(follower)
  backplane.publish('a:1')
  await until(() => follower.told.length === 1, 'the first')
  await redis.command('copy', '{tidings}:order', 'order:copy')
  await redis.command('copy', '{tidings}:log', 'log:copy')
  backplane.publish('a:2')
  await until(() => follower.told.length === 2, 'the second')
  const { epoch } = follower
  // Both at once: an order without its log is no older copy.
  const restore =
    "for _, key in ipairs(KEYS) do redis.call('copy', key .. ':copy', '{tidings}:' .. key, 'replace') end"
  await redis.command('eval', restore, '2', 'order', 'log')
  await until(() => follower.epoch !== epoch, 'another epoch')
})
