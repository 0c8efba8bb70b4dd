import { createCluster } from '@redis/client'
import { defer } from '@tidings/testkit/disposers'
import { freePort } from '@tidings/testkit/free-port'
import { Log } from '@tidings/testkit/log'
import type { RedisServer } from '@tidings/testkit/redis-server'
import { until } from '@tidings/testkit/until'
import { RedisBackplane } from '../src/index.ts'
import { proxyTo, startRedis } from './open.ts'
import { goesOnAnew, joinTwo, untilOlder } from './two-nodes.ts'

import.meta.jest.setTimeout(60_000)

const slots = 16_384
/** Where each member of a cluster is reached by the others. */
const busPorts = new WeakMap<RedisServer, number>()
const said = async (redis: RedisServer, command: string, text: string) =>
  (await redis.command('cluster', command)).includes(text)

async function startMember(): Promise<RedisServer> {
  const busPort = await freePort()
  const settings = { 'cluster-enabled': 'yes', 'cluster-node-timeout': '2000', 'cluster-port': `${busPort}` }
  const member = await startRedis({ settings })
  busPorts.set(member, busPort)
  return member
}

async function meet(one: RedisServer, other: RedisServer): Promise<void> {
  await one.command('cluster', 'meet', '127.0.0.1', String(other.port), String(busPorts.get(other)))
}

/** Masters that share the slots, in their order. */
async function startMasters(count: number): Promise<RedisServer[]> {
  const masters = await Promise.all(Array.from({ length: count }, startMember))
  for (const [i, master] of masters.entries()) {
    const [first, next] = [i, i + 1].map((each) => Math.ceil((slots * each) / count))
    await master.command('cluster', 'addslotsrange', String(first), String(next! - 1))
    await meet(masters[0]!, master)
  }
  for (const master of masters) {
    await until(() => said(master, 'info', 'cluster_state:ok'), 'the cluster is up', 20_000)
  }
  return masters
}

test.each([1, 3])(
  'a cluster of %i: the nodes follow when a master hands over to its replica',
  async (count) => {
    const masters = await startMasters(count)
    const slot = Number(await masters[0]!.command('cluster', 'keyslot', '{tidings}'))
    const master = masters[Math.floor((slot * count) / slots)]!
    const replica = await startMember()
    const id = await master.command('cluster', 'myid')
    await meet(replica, master)
    await until(() => said(replica, 'nodes', id), 'it knows its master')
    await replica.command('cluster', 'replicate', id)
    const isReplica = async () =>
      (await replica.command('info', 'replication')).includes('master_link_status:up')
    await until(isReplica, 'it is a replica', 20_000)

    const members = await joinTwo(createCluster({ rootNodes: masters.map(({ url }) => ({ url })) }))
    const [a, b] = members
    a.backplane.publish('before')
    await until(() => members.every(({ follower }) => follower.knows('before')), 'a change')
    await a.backplane.claim('s', 'a', 60_000, 'record')
    await untilOlder(replica, master)
    const { epoch } = a.follower
    await until(async () => (await replica.command('cluster', 'failover')) === 'OK', 'the replica takes over')
    await goesOnAnew(members, epoch)
    expect(await b.backplane.adopt('s', 'b')).toEqual({ home: 'a' })
  },
)

test('a client that was given up while it connected leaves no connection behind', async () => {
  const [master] = await startMasters(1)
  const proxy = await proxyTo(master!.port)
  // Its members are known 3 s after it began, 1 s after it was given up. The cluster says its own port, to which there is no proxy.
  proxy.delay('down', 1_500)
  const client = createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${proxy.port}` }] })
  const backplane = new RedisBackplane({ client }, { leaseMs: 600, logger: new Log() })
  defer(backplane, (each) => each.close())
  let clients = ''
  const connections = async () => {
    clients = await master!.command('client', 'list')
    // One that has never sent anything is left behind by @redis/client 6.3.1 when it is destroyed in the moment in which TCP
    // connects: nothing outside of it can close that.
    return clients.split('\n').filter((line) => line !== '' && !line.includes(' cmd=NULL ')).length - 1
  }
  const isTried = () => backplane.health.status === 'degraded' && backplane.health.reason!.includes('2000 ms')
  await until(isTried, 'it has given up once')
  await until(async () => (await connections()) > 2, 'it has tried again')
  proxy.heal()
  await until(() => backplane.health.status === 'connected', 'it is connected')
  await until(
    async () => (await connections()) === 2,
    () => `More than two connections are left: ${clients}`,
  )
})
