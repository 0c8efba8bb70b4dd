import { createCluster } from '@redis/client'
import type { RedisServer } from '@tidings/testkit/redis-server'
import { until } from '@tidings/testkit/until'
import { startRedis } from './open.ts'
import { goesOnAnew, joinTwo, untilOlder } from './two-nodes.ts'

import.meta.jest.setTimeout(60_000)

const slots = 16_384
const startMember = () =>
  startRedis({ settings: { 'cluster-enabled': 'yes', 'cluster-node-timeout': '2000' } })
const said = async (redis: RedisServer, command: string, text: string) =>
  (await redis.command('cluster', command)).includes(text)

/** Masters that share the slots, in their order. */
async function startMasters(count: number): Promise<RedisServer[]> {
  const masters = await Promise.all(Array.from({ length: count }, startMember))
  for (const [i, master] of masters.entries()) {
    const [first, next] = [i, i + 1].map((each) => Math.ceil((slots * each) / count))
    await master.command('cluster', 'addslotsrange', String(first), String(next! - 1))
    await masters[0]!.command('cluster', 'meet', '127.0.0.1', String(master.port))
  }
  for (const master of masters) {
    await until(() => said(master, 'info', 'cluster_state:ok'), 'the cluster is up', 20_000)
  }
  return masters
}

test.each([1, 3])('a cluster of %i: the nodes follow when a master hands over to its replica', async (count) => {
  const masters = await startMasters(count)
  const slot = Number(await masters[0]!.command('cluster', 'keyslot', '{tidings}'))
  const master = masters[Math.floor((slot * count) / slots)]!
  const replica = await startMember()
  const id = await master.command('cluster', 'myid')
  await replica.command('cluster', 'meet', '127.0.0.1', String(master.port))
  await until(() => said(replica, 'nodes', id), 'it knows its master')
  await replica.command('cluster', 'replicate', id)
  const isReplica = async () => (await replica.command('info', 'replication')).includes('master_link_status:up')
  await until(isReplica, 'it is a replica', 20_000)

  const members = await joinTwo(createCluster({ rootNodes: masters.map(({ url }) => ({ url })) }))
  const [a, b] = members
  a.backplane.publish('before')
  await until(() => members.every(({ follower }) => follower.knows('before')), 'a change')
  await a.backplane.claim('s', 'a', 60_000, 'record')
  await untilOlder(replica, master)
  const { epoch } = a.follower
  await until(
    async () => (await replica.command('cluster', 'failover')) === 'OK',
    'the replica takes over',
  )
  await goesOnAnew(members, epoch)
  expect(await b.backplane.adopt('s', 'b')).toEqual({ home: 'a' })
})
