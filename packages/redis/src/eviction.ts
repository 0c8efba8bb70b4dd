import type { Logger } from '@tidings/server'
import type { Keys } from './keys.ts'
import type { RedisClient } from './redis-client.ts'
import { Script } from './script.ts'

/** Gives the memory that Redis may take, and what it does then. */
const memoryScript = new Script(
  `
local memory = redis.call('INFO', 'memory')
return { string.match(memory, 'maxmemory:(%d+)'), string.match(memory, 'maxmemory_policy:([%w-]+)') }
`,
  { runsWhenFull: true },
)

/**
 * Warns when Redis deletes keys to make room.
 *
 * @returns true when it has warned.
 */
export async function warnOfEviction(client: RedisClient, keys: Keys, logger: Logger): Promise<boolean> {
  const reply = (await memoryScript.run(client, [keys.order], [])) as [string?, string?]
  const [maxMemory = '0', policy = 'noeviction'] = reply
  if (maxMemory === '0' || policy === 'noeviction') return false
  const lost = policy.startsWith('allkeys')
    ? 'sessions, mail between nodes, and the order of changes'
    : 'sessions, and mail between nodes'
  logger.warn(
    { policy, maxMemory: Number(maxMemory) },
    `Redis deletes keys when it has reached its maxmemory: ${lost} can be lost. Set maxmemory-policy to noeviction, or give Tidings a Redis of its own`,
  )
  return true
}
