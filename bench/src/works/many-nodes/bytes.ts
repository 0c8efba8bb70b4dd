import type { RedisServer } from '@tidings/testkit/redis-server'
import type { SessionsToOpen } from '../../load/openers.ts'
import type { TransportName } from '../../wire.ts'
import type { Case } from '../../work.ts'
import { nodesCase } from './nodes-case.ts'

const transports: TransportName[] = ['http+sse', 'streamable-http']
const sessions = 4_000

/** Memory of Redis for each session that is open and does nothing. */
export const bytesPerSession: Case[] = transports.map((transport) =>
  nodesCase(
    `redis-bytes/${transport}`,
    [
      {
        key: 'bytes',
        title: `memory of Redis per idle session, ${transport}`,
        unit: 'bytes',
        bar: { of: 'value', atMost: 1_024 },
      },
    ],
    async (lab) => {
      const redis = await lab.startRedis()
      const { port } = await lab.startNode(redis)
      const load = await lab.startLoad()
      const open = (count: number) =>
        load.ask('openSessions', { port, transport, count } satisfies SessionsToOpen)
      await open(lab.count(sessions / 8))
      const before = await memoryOf(redis)
      const count = lab.count(sessions)
      await open(count)
      return { bytes: ((await memoryOf(redis)) - before) / count }
    },
  ),
)

/** In bytes, with what Redis needs to find its keys. */
async function memoryOf(redis: RedisServer): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.command('info', 'memory'))![1])
}
