import { createSentinel } from '@redis/client'
import { defer } from '@tidings/testkit/disposers'
import { RedisSentinel } from '@tidings/testkit/redis-sentinel'
import { until } from '@tidings/testkit/until'
import { proxyTo, startRedis } from './open.ts'
import { failoverWithinMs, goesOnAnew, joinTwo, untilOlder } from './two-nodes.ts'

import.meta.jest.setTimeout(60_000)

/**
 * A master, a replica and a Sentinel, and two nodes that ask the Sentinel for the master. The replica and the Sentinel reach the
 * master over a network that the nodes do not use.
 */
async function begin() {
  const master = await startRedis()
  const network = await proxyTo(master.port)
  const replica = await startRedis({ replicaOf: network.port })
  const sentinel = defer(await RedisSentinel.start(network.port, 1_000), (each) => each.close())
  const client = createSentinel({
    name: 'tidings',
    sentinelRootNodes: [{ host: '127.0.0.1', port: sentinel.port }],
    nodeAddressMap: { [`127.0.0.1:${network.port}`]: { host: '127.0.0.1', port: master.port } },
  })
  const members = await joinTwo(client)
  await untilOlder(replica, master)
  return { master, network, replica, sentinel, members }
}

test('Sentinel promotes a replica: another epoch, and the sessions are there', async () => {
  const { master, replica, members } = await begin()
  const [a, b] = members
  const { epoch } = a.follower
  await a.backplane.claim('s', 'a', 60_000, 'record')
  await until(async () => (await replica.command('keys', '*:session:s')) !== '', 'it is replicated')
  await master.kill()
  b.backplane.publish('meanwhile')
  await goesOnAnew(members, epoch)
  expect(await b.backplane.adopt('s', 'b')).toEqual({ home: 'a' })
  expect(await a.backplane.adopt('s', 'a')).toEqual({ home: 'a', record: 'record' })
})

test('Sentinel promotes a replica that is behind: another epoch, and no change is missed', async () => {
  const { network, replica, sentinel, members } = await begin()
  const [a, b] = members
  const { epoch } = a.follower
  for (const i of [1, 2, 3, 4, 5]) {
    a.backplane.publish(`a:${i}`)
    await until(() => members.every(({ follower }) => follower.told.length === i), `change ${i}`)
  }
  const isReplicated = async () => (await replica.command('hget', '{tidings}:order', 'seq')) === '5'
  await until(isReplicated, 'it is replicated')
  // The replica hears nothing more, nor does the Sentinel. The master goes on for the nodes.
  network.goHalfOpen('both')
  for (const i of [6, 7, 8]) {
    a.backplane.publish(`a:${i}`)
    await until(() => members.every(({ follower }) => follower.told.length === i), `change ${i}`)
  }
  const isMaster = async () => (await sentinel.master()) === replica.port
  await until(isMaster, 'the replica is the master', failoverWithinMs)
  // These are given the numbers 6 to 8 again.
  for (const topic of ['b:1', 'b:2', 'b:3']) b.backplane.publish(topic)
  await goesOnAnew(members, epoch)
})
