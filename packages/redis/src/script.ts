import { createHash } from 'node:crypto'
import { FullError } from './full-error.ts'
import type { RedisCommands } from './redis-client.ts'

interface ScriptOptions {
  /** Names of functions in `helpers` that the script calls, those first that others need. */
  uses?: readonly (keyof typeof helpers)[]
  /** Runs also when Redis has reached its `maxmemory`: for what takes no memory, or gives it back. */
  runsWhenFull?: boolean
  /**
   * Several may be under way, and have to take effect in the order of asking. Redis gets the whole text each time. A script that
   * Redis has forgotten is sent again: by then what was asked after it may have taken effect.
   */
  inOrder?: boolean
}

/** A Lua script. Each runs as one step: nothing comes between its commands. */
export class Script {
  readonly #text: string
  readonly #sha: string
  readonly #inOrder: boolean

  constructor(body: string, { uses = [], runsWhenFull = false, inOrder = false }: ScriptOptions = {}) {
    const flags = runsWhenFull ? ' flags=allow-oom' : ''
    this.#text = `#!lua${flags}\n${uses.map((name) => helpers[name]).join('')}${body.trim()}`
    this.#sha = createHash('sha1').update(this.#text).digest('hex')
    this.#inOrder = inOrder
  }

  /** @throws {FullError} or another error of Redis, or of the connection. */
  async run(client: RedisCommands, keys: string[], args: (string | Buffer)[]): Promise<unknown> {
    const given = { keys, arguments: args }
    try {
      if (this.#inOrder) return await client.eval(this.#text, given)
      return await this.#runKnown(client, given)
    } catch (err) {
      if (isReply(err, 'OOM')) throw new FullError({ cause: err })
      throw err
    }
  }

  async #runKnown(client: RedisCommands, given: { keys: string[]; arguments: (string | Buffer)[] }) {
    try {
      return await client.evalSha(this.#sha, given)
    } catch (err) {
      // Redis forgets scripts when it restarts, and when somebody flushes them.
      if (!isReply(err, 'NOSCRIPT')) throw err
      return client.eval(this.#text, given)
    }
  }
}

function isReply(err: unknown, code: string): boolean {
  return String((err as Error).message).startsWith(code)
}

const helpers = {
  now: `
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
`,
  isLive: `
local function isLive(nodes, node, time)
  local expiry = redis.call('ZSCORE', nodes, node)
  return expiry and tonumber(expiry) >= time
end
`,
  keep: `
local function keep(session)
  redis.call('PEXPIRE', session, redis.call('HGET', session, 'ttlMs'))
end
`,
  // The nodes renew this for as long as they live.
  expireWith: `
local function expireWith(nodes, key)
  if redis.call('PTTL', key) == -1 then redis.call('PEXPIRE', key, math.max(1000, redis.call('PTTL', nodes))) end
end
`,
  remove: `
local function remove(prefix, nodes, node)
  redis.call('ZREM', nodes, node)
  redis.call('SREM', prefix .. 'retired', node)
  redis.call('DEL', prefix .. 'mail:' .. node)
  redis.call('HDEL', prefix .. 'mail-bytes', node)
  for _, other in ipairs(redis.call('ZRANGE', nodes, 0, -1)) do
    redis.call('XADD', prefix .. 'mail:' .. other, '*', 'gone', node)
    expireWith(nodes, prefix .. 'mail:' .. other)
  end
end
`,
}
