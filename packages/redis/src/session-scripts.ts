import { Script } from './script.ts'

/**
 * Makes a node the home of a session. KEYS: session, nodes. ARGV: node, the time to live of the key, the record or nothing.
 *
 * Gives the home; and if that is the caller, the time to live, and the record.
 */
export const claimScript = new Script(
  `
local session, nodes, node = KEYS[1], KEYS[2], ARGV[1]
local home = redis.call('HGET', session, 'home')
if home and home ~= node and isLive(nodes, home, now()) then return { home } end
redis.call('HSET', session, 'home', node, 'ttlMs', ARGV[2])
if ARGV[3] ~= '' then redis.call('HSETNX', session, 'record', ARGV[3]) end
keep(session)
return { node, ARGV[2], redis.call('HGET', session, 'record') }
`,
  { uses: ['now', 'isLive', 'keep'], inOrder: true },
)

/**
 * Takes over a session without a live home. KEYS: session, nodes, order. ARGV: node, the lease in milliseconds.
 *
 * Gives the same as a claim, or nothing. Fails where that may be wrong: Redis has lost what it knew, and each node says within
 * its lease which sessions are its own.
 */
export const adoptScript = new Script(
  `
local session, nodes, order, node = KEYS[1], KEYS[2], KEYS[3], ARGV[1]
local time = now()
local known = redis.call('HMGET', session, 'home', 'ttlMs', 'record')
if known[1] and known[1] ~= node and isLive(nodes, known[1], time) then return { known[1] } end
if known[1] ~= node then
  if not known[3] then
    local order = redis.call('HMGET', order, 'epoch', 'anewAt')
    -- A node may be one again before any has found that the order is gone.
    local isLost = not order[1] or not isLive(nodes, node, time)
    if isLost or time < tonumber(order[2] or '0') + tonumber(ARGV[2]) then
      return redis.error_reply('UNCERTAIN Redis has lost what it knew: the home of the session may not have said yet that it is')
    end
    redis.call('DEL', session)
    return {}
  end
  redis.call('HSET', session, 'home', node)
end
keep(session)
return { node, known[2], known[3] }
`,
  { uses: ['now', 'isLive', 'keep'], inOrder: true, runsWhenFull: true },
)

/** Stores the record of a session. KEYS: session. ARGV: node, record. Gives 1 if the node is the home. */
export const saveScript = new Script(
  `
if redis.call('HGET', KEYS[1], 'home') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'record', ARGV[2])
keep(KEYS[1])
return 1
`,
  { uses: ['keep'], inOrder: true },
)

/**
 * Gives a session to another node. KEYS: session, nodes, retired. ARGV: node, record, a random number. Gives the new home, or
 * nothing.
 */
export const handOverScript = new Script(
  `
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
`,
  { uses: ['now', 'keep'], inOrder: true, runsWhenFull: true },
)

/** Forgets a session. KEYS: session. ARGV: node. */
export const releaseScript = new Script(
  `
if redis.call('HGET', KEYS[1], 'home') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`,
  { inOrder: true, runsWhenFull: true },
)

/** Keeps sessions for longer. KEYS: each session. ARGV: node. */
export const keepScript = new Script(
  `
for _, session in ipairs(KEYS) do
  if redis.call('HGET', session, 'home') == ARGV[1] then keep(session) end
end
return 1
`,
  { uses: ['keep'], runsWhenFull: true },
)
