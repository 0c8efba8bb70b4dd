import { createSentinel } from '@redis/client'
import { defer } from '@tidings/testkit/disposers'
import { Log } from '@tidings/testkit/log'
import { RedisSentinel } from '@tidings/testkit/redis-sentinel'
import { until } from '@tidings/testkit/until'
import { RedisBackplane } from '../src/index.ts'
import { proxyTo, startRedis } from './open.ts'
import { RecordingFollower, RecordingNode } from './recording.ts'

import.meta.jest.setTimeout(60_000)

/** The time that a failover may take, with the clients' way to the new master. */
const failoverWithinMs = 20_000

/**
 * A master, a replica and a Sentinel, and two nodes that ask the Sentinel for the master. The replica and the Sentinel reach the
 * master over a network that the nodes do not use.
 */
async function begin() {
  const master = await startRedis()
  const network = await proxyTo(master.port)
  const replica = await startRedis({ replicaOf: network.port })
  const replicaStartedAt = Date.now()
  const sentinel = defer(await RedisSentinel.start(network.port, 1_000), (each) => each.close())
  const client = createSentinel({
    name: 'tidings',
    sentinelRootNodes: [{ host: '127.0.0.1', port: sentinel.port }],
    nodeAddressMap: { [`127.0.0.1:${network.port}`]: { host: '127.0.0.1', port: master.port } },
  })
  const join = async (name: string) => {
    const backplane = new RedisBackplane({ client }, { leaseMs: 1_000, logger: new Log() })
    defer(backplane, (each) => each.close())
    const [node, follower] = [new RecordingNode(name), new RecordingFollower()]
    await Promise.all([backplane.join(node), backplane.follow(follower)])
    return { backplane, node, follower }
  }
  const nodes = [await join('a'), await join('b')] as const
  // A replica that has started since the last write is like a server that was restarted.
  const isOlder = async () =>
    Number(await replica.command('hget', '{tidings}:order', 'writtenAt')) > replicaStartedAt + 2_000
  await until(isOlder, 'the replica has been there for a while')
  return { master, network, replica, sentinel, nodes }
}

type World = Awaited<ReturnType<typeof begin>>

/** The epoch is another for all: so no change before it is missed. Those after it are told, and mail arrives. */
async function goesOnAnew({ nodes }: World, epoch: string | undefined): Promise<void> {
  const isAnother = () => nodes.every(({ follower }) => follower.epoch !== epoch)
  await until(isAnother, 'another epoch', failoverWithinMs)
  await until(() => nodes[0].follower.epoch === nodes[1].follower.epoch, 'one epoch')
  await until(() => nodes.every(({ node }) => node.displacements > 0), 'the nodes claim their sessions anew')
  for (const { backplane, node } of nodes) {
    const topic = `after:${node.node}`
    backplane.publish(topic)
    await until(() => nodes.every(({ follower }) => follower.knows(topic)), 'a change after')
  }
  const [a, b] = nodes
  await until(() => a.backplane.nodes().length === 2, 'both are nodes')
  await a.backplane.send('a', 'b', Buffer.from('mail'))
  await until(() => b.node.mail.includes('mail'), 'mail after')
  await until(() => nodes.every(({ backplane }) => backplane.health.status === 'connected'), 'it is well')
}

test('Sentinel promotes a replica: another epoch, and the sessions are there', async () => {
  const world = await begin()
  const { master, replica, nodes } = world
  const [a, b] = nodes
  const { epoch } = a.follower
  await a.backplane.claim('s', 'a', 60_000, 'record')
  await until(async () => (await replica.command('keys', '*:session:s')) !== '', 'it is replicated')
  await master.kill()
  b.backplane.publish('meanwhile')
  await goesOnAnew(world, epoch)
  expect(await b.backplane.adopt('s', 'b')).toEqual({ home: 'a' })
  expect(await a.backplane.adopt('s', 'a')).toEqual({ home: 'a', record: 'record' })
})

test('Sentinel promotes a replica that is behind: another epoch, and no change is missed', async () => {
  const world = await begin()
  const { network, replica, sentinel, nodes } = world
  const [a, b] = nodes
  const { epoch } = a.follower
  for (const i of [1, 2, 3, 4, 5]) {
    a.backplane.publish(`a:${i}`)
    await until(() => nodes.every(({ follower }) => follower.told.length === i), `change ${i}`)
  }
  const isReplicated = async () => (await replica.command('hget', '{tidings}:order', 'seq')) === '5'
  await until(isReplicated, 'it is replicated')
  // The replica hears nothing more, nor does the Sentinel. The master goes on for the nodes.
  network.goHalfOpen('both')
  for (const i of [6, 7, 8]) {
    a.backplane.publish(`a:${i}`)
    await until(() => nodes.every(({ follower }) => follower.told.length === i), `change ${i}`)
  }
  const isMaster = async () => (await sentinel.master()) === replica.port
  await until(isMaster, 'the replica is the master', failoverWithinMs)
  // These are given the numbers 6 to 8 again.
  for (const topic of ['b:1', 'b:2', 'b:3']) b.backplane.publish(topic)
  await goesOnAnew(world, epoch)
})
