import { createHash } from 'node:crypto'
import type { RedisCommands } from './redis-client.ts'

/** A Lua script. Each runs as one step: nothing comes between its commands. */
class Script {
  readonly #text: string
  readonly #sha: string

  constructor(body: string) {
    this.#text = helpers + body
    this.#sha = createHash('sha1').update(this.#text).digest('hex')
  }

  /** @throws the error of Redis, or of the connection. */
  async run(client: RedisCommands, keys: string[], args: (string | Buffer)[]): Promise<unknown> {
    const given = { keys, arguments: args }
    try {
      return await client.evalSha(this.#sha, given)
    } catch (err) {
      // Redis forgets scripts when it restarts.
      if (!String((err as Error).message).startsWith('NOSCRIPT')) throw err
      return client.eval(this.#text, given)
    }
  }
}

const helpers = `
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local function isLive(nodes, node, time)
  local expiry = redis.call('ZSCORE', nodes, node)
  return expiry and tonumber(expiry) >= time
end
local function keep(session)
  redis.call('PEXPIRE', session, redis.call('HGET', session, 'ttlMs'))
end
local function remove(prefix, nodes, node)
  redis.call('ZREM', nodes, node)
  redis.call('SREM', prefix .. 'retired', node)
  redis.call('DEL', prefix .. 'mail:' .. node)
  redis.call('HDEL', prefix .. 'mail-bytes', node)
  for _, other in ipairs(redis.call('ZRANGE', nodes, 0, -1)) do
    redis.call('XADD', prefix .. 'mail:' .. other, '*', 'gone', node)
  end
end
`

/**
 * Numbers the topics of one batch, and appends them to the log. A batch that comes again, because its answer was lost, changes
 * nothing.
 *
 * KEYS: order, log, topics, batches of the publisher. ARGV: epoch, name of the publisher, number of the batch, topics to remember, entries
 * of the log, the topics as JSON, each topic.
 *
 * Gives 1; 0 when the epoch is another.
 */
export const publishScript = new Script(`
local order, log, topics, batches = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
if redis.call('HGET', order, 'epoch') ~= ARGV[1] then return 0 end
if tonumber(redis.call('GET', batches) or '0') >= tonumber(ARGV[3]) then return 1 end
redis.call('SET', batches, ARGV[3], 'PX', 60000)
local count = #ARGV - 6
local seq = redis.call('HINCRBY', order, 'seq', count)
local pairs = {}
for i = 1, count do
  pairs[2 * i - 1] = seq - count + i
  pairs[2 * i] = ARGV[6 + i]
end
redis.call('ZADD', topics, unpack(pairs))
redis.call('XADD', log, 'MAXLEN', '~', ARGV[5], string.format('%.0f-0', seq), 'batch', ARGV[2] .. ':' .. ARGV[3], 'after', string.format('%.0f', seq - count), 'topics', ARGV[6])
local remember = tonumber(ARGV[4])
local extra = redis.call('ZCARD', topics) - remember
if extra > remember then
  redis.call('HSET', order, 'floor', redis.call('ZRANGE', topics, extra - 1, extra - 1, 'WITHSCORES')[2])
  redis.call('ZREMRANGEBYRANK', topics, 0, extra - 1)
end
return 1
`)

/**
 * Finds out whether the order goes on, and begins another epoch when that is in doubt.
 *
 * The replication id of a master is new after a restart, and after a replica was promoted. A replica may have been behind, so
 * its promotion always gives another epoch. A restarted server has started after the last write; it keeps the epoch if the
 * caller proves that what it has read last is still there. A master that goes on, and gets its first replica, has a new id as
 * well, and no second one, which is that of the master before.
 *
 * KEYS: order, log. ARGV: another epoch, the epoch that the caller knows, the last entry that it has read, the batch of it, 1
 * when changes were lost.
 *
 * Gives the epoch, and 1 when the caller can read on after its last entry.
 */
export const attachScript = new Script(`
local order, log = KEYS[1], KEYS[2]
local time = now()
local replication, server = redis.call('INFO', 'replication'), redis.call('INFO', 'server')
local replid = string.match(replication, 'master_replid:(%w+)')
local run = string.match(server, 'run_id:(%w+)')
local known = redis.call('HMGET', order, 'epoch', 'replid', 'writtenAt', 'run')
local epoch = known[1]
local isFollowing = epoch and epoch == ARGV[2]
local isProven, isTrimmed = false, false
if isFollowing then
  local id = ARGV[3] .. '-0'
  local last = redis.call('XRANGE', log, id, id)[1]
  local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  if last then isProven = last[2][2] == ARGV[4]
  elseif first then isTrimmed = tonumber(first[2][4]) > tonumber(ARGV[3])
  end
  if ARGV[3] == '0' and not isTrimmed then isProven = true end
end
local isKept = false
if epoch then
  local goesOn = known[4] == run and not string.match(replication, 'master_replid2:0*[1-9a-f]')
  if known[2] == replid or goesOn then
    isKept = not isFollowing or isProven or isTrimmed
  else
    -- Both the start and the present are known to Redis in whole seconds: the uptime can be a second too long.
    local uptime = tonumber(string.match(server, 'uptime_in_seconds:(%d+)'))
    local isRestarted = time - (uptime - 1) * 1000 >= tonumber(known[3])
    isKept = isFollowing and isProven and isRestarted
  end
end
if not isKept or ARGV[5] == '1' then
  isKept = false
  epoch = ARGV[1]
  redis.call('HSETNX', order, 'seq', 0)
  redis.call('HSETNX', order, 'floor', 0)
  redis.call('HSET', order, 'epoch', epoch)
end
redis.call('HSET', order, 'replid', replid, 'run', run, 'writtenAt', string.format('%.0f', time))
if ARGV[2] ~= '' and ARGV[2] ~= epoch then redis.call('HSET', order, 'anewAt', string.format('%.0f', time)) end
return { epoch, (isKept and isFollowing and isProven) and 1 or 0 }
`)

/**
 * The snapshot of the order. KEYS: order, topics, log.
 *
 * Gives the epoch, the sequence number, the number from which it is complete, the batch of the last entry, and the topics with
 * their numbers.
 */
export const snapshotScript = new Script(`
local order = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'floor')
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
return { order[1] or '', order[2] or '0', order[3] or '0', last and last[2][2] or '', redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES') }
`)

/**
 * Renews the leases of nodes, and removes the nodes whose leases have run out. One of the nodes that had been removed is a node
 * again.
 *
 * KEYS: nodes, order. ARGV: prefix, the lease in milliseconds, each node.
 *
 * Gives the epoch, the sequence number, the replication id, all live nodes, and those of the caller that had been removed.
 */
export const renewScript = new Script(`
local nodes, order, prefix = KEYS[1], KEYS[2], ARGV[1]
local time = now()
for _, node in ipairs(redis.call('ZRANGEBYSCORE', nodes, '-inf', '(' .. string.format('%.0f', time))) do
  remove(prefix, nodes, node)
end
local expiry = string.format('%.0f', time + tonumber(ARGV[2]))
local displaced = {}
for i = 3, #ARGV do
  if not redis.call('ZSCORE', nodes, ARGV[i]) then table.insert(displaced, ARGV[i]) end
  redis.call('ZADD', nodes, expiry, ARGV[i])
end
local known = redis.call('HMGET', order, 'epoch', 'seq')
if known[1] then redis.call('HSET', order, 'writtenAt', string.format('%.0f', time)) end
local replid = string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)')
return { known[1] or '', known[2] or '0', replid, redis.call('ZRANGE', nodes, 0, -1), displaced }
`)

/** Removes a node. KEYS: nodes. ARGV: prefix, node. */
export const leaveScript = new Script(`
if redis.call('ZSCORE', KEYS[1], ARGV[2]) then remove(ARGV[1], KEYS[1], ARGV[2]) end
return 1
`)

/** No session is handed over to the node from now on. KEYS: nodes, retired. ARGV: node. */
export const retireScript = new Script(`
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then redis.call('SADD', KEYS[2], ARGV[1]) end
return 1
`)

/**
 * Puts mail into the stream of a node. KEYS: nodes, mail, bytes. ARGV: to, from, link, number, most bytes, the mail.
 *
 * Gives 1; 0 when there is no such node; -1 when it does not read what it has.
 */
export const sendScript = new Script(`
local nodes, mail, bytes = KEYS[1], KEYS[2], KEYS[3]
if not isLive(nodes, ARGV[1], now()) then return 0 end
local held = tonumber(redis.call('HGET', bytes, ARGV[1]) or '0')
local size = #ARGV[6] + 200
if held > 0 and held + size > tonumber(ARGV[5]) then return -1 end
redis.call('HINCRBY', bytes, ARGV[1], size)
redis.call('XADD', mail, '*', 'from', ARGV[2], 'link', ARGV[3], 'number', ARGV[4], 'mail', ARGV[6])
redis.call('PEXPIRE', mail, 600000)
return 1
`)

/** Deletes mail that was read. KEYS: mail, bytes. ARGV: node, the id after the last, the bytes. */
export const readScript = new Script(`
redis.call('XTRIM', KEYS[1], 'MINID', ARGV[2])
local left = redis.call('HINCRBY', KEYS[2], ARGV[1], -tonumber(ARGV[3]))
if left <= 0 then redis.call('HDEL', KEYS[2], ARGV[1]) end
return 1
`)

/**
 * Makes a node the home of a session. KEYS: session, nodes. ARGV: node, the time to live of the key, the record or nothing.
 *
 * Gives the home; and if that is the caller, the time to live, and the record.
 */
export const claimScript = new Script(`
local session, nodes, node = KEYS[1], KEYS[2], ARGV[1]
local home = redis.call('HGET', session, 'home')
if home and home ~= node and isLive(nodes, home, now()) then return { home } end
redis.call('HSET', session, 'home', node, 'ttlMs', ARGV[2])
if ARGV[3] ~= '' then redis.call('HSETNX', session, 'record', ARGV[3]) end
keep(session)
return { node, ARGV[2], redis.call('HGET', session, 'record') }
`)

/**
 * Takes over a session without a live home. KEYS: session, nodes, order. ARGV: node, the lease in milliseconds.
 *
 * Gives the same as a claim, or nothing. Fails where that may be wrong: Redis has lost what it knew, and each node says within
 * its lease which sessions are its own.
 */
export const adoptScript = new Script(`
local session, nodes, order, node = KEYS[1], KEYS[2], KEYS[3], ARGV[1]
local time = now()
local known = redis.call('HMGET', session, 'home', 'ttlMs', 'record')
if known[1] and known[1] ~= node and isLive(nodes, known[1], time) then return { known[1] } end
if known[1] ~= node then
  if not known[3] then
    local anewAt = tonumber(redis.call('HGET', order, 'anewAt') or '0')
    if not isLive(nodes, node, time) or time < anewAt + tonumber(ARGV[2]) then
      return redis.error_reply('UNCERTAIN Redis has lost what it knew: the home of the session may not have said yet that it is')
    end
    redis.call('DEL', session)
    return {}
  end
  redis.call('HSET', session, 'home', node)
end
keep(session)
return { node, known[2], known[3] }
`)

/** Stores the record of a session. KEYS: session. ARGV: node, record. Gives 1 if the node is the home. */
export const saveScript = new Script(`
if redis.call('HGET', KEYS[1], 'home') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'record', ARGV[2])
keep(KEYS[1])
return 1
`)

/**
 * Gives a session to another node. KEYS: session, nodes, retired. ARGV: node, record, a random number. Gives the new home, or
 * nothing.
 */
export const handOverScript = new Script(`
local session, nodes, retired, node = KEYS[1], KEYS[2], KEYS[3], ARGV[1]
if redis.call('HGET', session, 'home') ~= node then return false end
redis.call('HSET', session, 'record', ARGV[2])
keep(session)
local others = {}
for _, other in ipairs(redis.call('ZRANGEBYSCORE', nodes, string.format('%.0f', now()), '+inf')) do
  if other ~= node and redis.call('SISMEMBER', retired, other) == 0 then table.insert(others, other) end
end
if #others == 0 then
  redis.call('HDEL', session, 'home')
  return false
end
local other = others[tonumber(ARGV[3]) % #others + 1]
redis.call('HSET', session, 'home', other)
return other
`)

/** Forgets a session. KEYS: session. ARGV: node. */
export const releaseScript = new Script(`
if redis.call('HGET', KEYS[1], 'home') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`)

/** Keeps sessions for longer. KEYS: each session. ARGV: node. */
export const keepScript = new Script(`
for _, session in ipairs(KEYS) do
  if redis.call('HGET', session, 'home') == ARGV[1] then keep(session) end
end
return 1
`)

/** Ends the wait of a reader. KEYS: its stream. */
export const wakeScript = new Script(`
redis.call('XADD', KEYS[1], 'MAXLEN', 1, '*', 'wake', '1')
redis.call('PEXPIRE', KEYS[1], 60000)
return 1
`)
