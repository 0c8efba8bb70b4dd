import type { World } from './world.ts'

/** What is left in Redis. */
export interface LeftInRedis {
  readonly sessions: number
  /** Streams of mail. */
  readonly mail: number
  readonly keys: number
  readonly bytes: number
}

const script = `
local keys = redis.call('KEYS', '*')
local bytes = 0
for _, key in ipairs(keys) do bytes = bytes + redis.call('MEMORY', 'USAGE', key, 'SAMPLES', '0') end
return cjson.encode({ keys = keys, bytes = bytes })
`

export async function leftInRedis({ redis }: World): Promise<LeftInRedis> {
  const { keys, bytes } = JSON.parse(await redis.command('eval', script, '0')) as {
    keys: string[]
    bytes: number
  }
  const count = (kind: string) => keys.filter((key) => key.includes(`:${kind}:`)).length
  return { sessions: count('session'), mail: count('mail'), keys: keys.length, bytes }
}
