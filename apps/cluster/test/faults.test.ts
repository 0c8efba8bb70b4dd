import { setTimeout as wait } from 'node:timers/promises'
import { topics, World } from '../src/world.ts'

import.meta.jest.setTimeout(120_000)

let world: World
afterEach(async () => {
  await world.end()
  expect(world.faults).toEqual([])
  expect(world.stderr).toBe('')
})

/** Changes each topic somewhere, and waits until all know. */
async function settle(): Promise<void> {
  for (const [i, topic] of topics.entries()) world.changed(world.members[i % world.members.length]!, topic)
  await world.allTold(world.leaseMs + 6_000)
}

/** Publishes and calls while a fault is on. */
function trouble(): void {
  for (const topic of topics) world.changed(world.members[1]!, topic)
  for (const subscriber of world.subscribers) world.call(subscriber, 'echo')
}

test('a node is killed: all are told again within the lease, and no session begins anew', async () => {
  world = await World.begin()
  await settle()
  for (const subscriber of world.subscribers) world.call(subscriber, 'slow')
  await wait(50)
  const killed = world.replace(world.members[0]!, 'SIGKILL')
  trouble()
  await killed
  await settle()
  expect(world.openedAnew).toBe(0)
  await world.endedCalls()
})

test('a node is drained: no call fails, and no session begins anew', async () => {
  world = await World.begin()
  await settle()
  const drained = world.replace(world.members[0]!, 'SIGTERM')
  for (const topic of topics) world.changed(world.members[1]!, topic)
  await drained
  await settle()
  expect(world.openedAnew).toBe(0)
  for (const subscriber of world.subscribers) world.call(subscriber, 'echo')
  expect((await world.endedCalls()).filter(({ error }) => error !== undefined)).toEqual([])
})

test('a node stands still for longer than its lease: its sessions go on elsewhere, and it lets them go', async () => {
  world = await World.begin()
  await settle()
  const [paused] = world.members
  paused!.node.signal('SIGSTOP')
  trouble()
  await wait(3 * world.leaseMs)
  paused!.node.signal('SIGCONT')
  await settle()
  await world.endedCalls()
  await world.oneHomeEach(world.leaseMs)
  expect(world.openedAnew).toBe(0)
})

test('Redis is restarted with its data', async () => {
  world = await World.begin({ persistence: 'aof' })
  await settle()
  await world.redis.kill()
  trouble()
  await wait(2 * world.leaseMs)
  await world.redis.start()
  await settle()
  await world.endedCalls()
  expect(world.members.map(({ node }) => node.resyncs)).toEqual([1, 1, 1])
  expect(world.log.begunAnew).toBe(0)
  expect(world.openedAnew).toBe(0)
})

test('Redis loses all its data', async () => {
  world = await World.begin()
  await settle()
  await world.redis.kill()
  trouble()
  await world.redis.start()
  await settle()
  await world.endedCalls()
  expect(world.members.map(({ node }) => node.resyncs)).toEqual([1, 1, 1])
  expect(world.log.begunAnew).toBe(1)
  expect(world.openedAnew).toBe(0)
})

test('a node loses its way to Redis, and finds it again', async () => {
  world = await World.begin()
  await settle()
  world.members[0]!.proxy.goDown()
  trouble()
  await wait(2 * world.leaseMs)
  world.members[0]!.proxy.heal()
  await settle()
  await world.endedCalls()
  await world.oneHomeEach(world.leaseMs)
})
