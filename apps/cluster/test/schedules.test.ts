import { setTimeout as wait } from 'node:timers/promises'
import { randomFrom } from './random.ts'
import { topics, World } from './world.ts'

/** The number of schedules; more by CLUSTER_SCHEDULES. One is repeated by CLUSTER_SEED. */
const schedules = Number(process.env['CLUSTER_SCHEDULES'] ?? 3)
const firstSeed = Number(process.env['CLUSTER_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

import.meta.jest.setTimeout(120_000)

/** What can befall the cluster. Each ends with all well again. */
const faults = {
  async kill(world, random) {
    await world.replace(one(world.members, random), 'SIGKILL')
  },
  async drain(world, random) {
    await world.replace(one(world.members, random), 'SIGTERM')
  },
  async pause(world, random) {
    const { node } = one(world.members, random)
    node.signal('SIGSTOP')
    await wait((0.5 + 3 * random()) * world.leaseMs)
    node.signal('SIGCONT')
  },
  async partition(world, random) {
    const { proxy } = one(world.members, random)
    if (random() < 0.5) proxy.goDown('reset')
    else proxy.goHalfOpen('both')
    await wait(2 * random() * world.leaseMs)
    proxy.heal()
    proxy.cut({ how: 'reset' })
  },
  async slowLink(world, random) {
    const { proxy } = one(world.members, random)
    proxy.delay('both', 20 + 100 * random())
    await wait(world.leaseMs)
    proxy.heal()
  },
  async restartRedis(world) {
    await world.redis.kill()
    await world.redis.start()
  },
  async flushRedis(world) {
    await world.redis.command('flushall')
  },
  async moveClients(world) {
    world.balancer.cut()
    await wait(50)
    world.balancer.cut()
  },
} satisfies Record<string, (world: World, random: () => number) => Promise<void>>

type Fault = keyof typeof faults

function one<T>(of: readonly T[], random: () => number): T {
  return of[Math.floor(random() * of.length)]!
}

test.each(Array.from({ length: schedules }, (_, i) => firstSeed + i))(
  'whatever befalls the cluster, all are told and all calls end (CLUSTER_SEED=%i)',
  async (seed) => {
    const random = randomFrom(seed)
    const world = await World.begin({ persistence: 'aof', clients: 4 })
    const told: string[] = []
    try {
      for (let step = 0; step < 4; step++) {
        const fault = one(Object.keys(faults) as Fault[], random)
        told.push(fault)
        const going = faults[fault](world, random)
        for (let i = 0; i < 4; i++) {
          world.changed(one(world.members, random), one(topics, random))
          world.call(one(world.subscribers, random), random() < 0.5 ? 'echo' : 'slow')
          await wait(40 * random())
        }
        await going
      }
      const healedAt = performance.now()
      // Not all that was announced at a node that was killed is in the order.
      await world.allTold(world.leaseMs + 5_000)
      for (const topic of topics) world.changed(world.members[0]!, topic)
      await wait(50)
      await world.allTold(world.leaseMs + 5_000)
      const ms = Math.round(performance.now() - healedAt)
      const outcomes = await Promise.all(world.calls)
      const failed = outcomes.filter((outcome) => outcome === 'failed').length
      told.push(`all told after ${ms} ms, ${failed} of ${outcomes.length} calls failed with an error`)
    } finally {
      process.stdout.write(`seed ${seed}: ${told.join(', ')}\n`)
      await world.end()
    }
    expect(world.stderr).toBe('')
  },
)
