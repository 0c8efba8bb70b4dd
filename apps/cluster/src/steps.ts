import { setTimeout as wait } from 'node:timers/promises'
import { RedisServer } from '@tidings/testkit/redis-server'
import { TcpProxy } from '@tidings/testkit/tcp-proxy'
import { topics, transports, type World } from './world.ts'

export type Random = () => number

export function one<T>(of: readonly T[], random: Random): T {
  return of[Math.floor(random() * of.length)]!
}

interface Step {
  /** Whether changes and sessions may be lost by it. */
  readonly losesData?: true
  /** Ends with all well again. */
  readonly run: (world: World, random: Random) => Promise<void>
}

/** What can befall the cluster, and what its clients do meanwhile. */
export const steps = {
  kill: {
    run: (world, random) => world.replace(one(world.members, random), 'SIGKILL'),
  },
  drain: {
    run: (world, random) => world.replace(one(world.members, random), 'SIGTERM'),
  },
  pause: {
    async run(world, random) {
      const { node } = one(world.members, random)
      node.signal('SIGSTOP')
      await wait((0.5 + 4.5 * random()) * world.leaseMs)
      node.signal('SIGCONT')
    },
  },
  partition: {
    async run(world, random) {
      const { proxy } = one(world.members, random)
      if (random() < 0.5) proxy.goDown('reset')
      else proxy.goHalfOpen('both')
      await wait(3 * random() * world.leaseMs)
      proxy.heal()
      proxy.cut({ how: 'reset' })
    },
  },
  slowLink: {
    async run(world, random) {
      const { proxy } = one(world.members, random)
      proxy.delay('both', 20 + 100 * random())
      await wait(world.leaseMs)
      proxy.heal()
    },
  },
  restartRedis: {
    async run(world, random) {
      await world.redis.kill()
      await wait(2 * random() * world.leaseMs)
      await world.redis.start()
    },
  },
  loseRedis: {
    losesData: true,
    async run(world, random) {
      await world.redis.kill()
      await world.redis.erase()
      await wait(random() * world.leaseMs)
      await world.redis.start()
    },
  },
  flushRedis: {
    losesData: true,
    async run(world) {
      await world.redis.command('flushall')
    },
  },
  /** A replica that is behind becomes the master. */
  failover: {
    losesData: true,
    async run(world, random) {
      const replication = await TcpProxy.to(world.redis.port)
      const replica = await RedisServer.start({ persistence: 'aof', replicaOf: replication.port })
      replication.goHalfOpen('down')
      await wait(300 * random())
      await world.redis.kill()
      await replica.promote()
      await world.moveTo(replica)
      await replication.close()
    },
  },
  moveClients: {
    async run(world) {
      for (let i = 0; i < 3; i++) {
        world.balancer.cut()
        await wait(50)
      }
    },
  },
  unwatchAndWatch: {
    async run(world, random) {
      const subscriber = one(world.subscribers, random)
      const topic = one(topics, random)
      // While a node or Redis is away either may be refused; then it is not known which of them holds.
      await subscriber.unwatch(topic).catch(() => {})
      await subscriber.watch(topic).catch(() => {})
    },
  },
  newClient: {
    async run(world, random) {
      try {
        const subscriber = await world.connect(one(transports, random))
        for (const topic of topics) await subscriber.watch(topic)
      } catch {
        // Refused, while a node or Redis is away. A session may have been opened all the same.
        world.abandoned++
      }
    },
  },
  endClient: {
    async run(world, random) {
      if (world.subscribers.length > 1) await world.disconnect(one(world.subscribers, random))
    },
  },
} satisfies Record<string, Step>

export type StepName = keyof typeof steps
export const stepNames = Object.keys(steps) as StepName[]
