import { Script } from './script.ts'

/**
 * Renews the leases of nodes, and removes the nodes whose leases have run out. One of the nodes that had been removed is a node
 * again. What belongs to nodes expires by itself ten leases after the last renewal.
 *
 * KEYS: nodes, order. ARGV: prefix, the lease in milliseconds, each node.
 *
 * Gives the epoch, the sequence number, the replication id, all live nodes, and those of the caller that had been removed.
 */
export const renewScript = new Script(
  `
local nodes, order, prefix, leaseMs = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
local time = now()
for _, node in ipairs(redis.call('ZRANGEBYSCORE', nodes, '-inf', '(' .. string.format('%.0f', time))) do
  remove(prefix, nodes, node)
end
local expiry = string.format('%.0f', time + leaseMs)
local displaced = {}
local lasting = { nodes, prefix .. 'retired', prefix .. 'mail-bytes' }
for i = 3, #ARGV do
  if not redis.call('ZSCORE', nodes, ARGV[i]) then table.insert(displaced, ARGV[i]) end
  redis.call('ZADD', nodes, expiry, ARGV[i])
  table.insert(lasting, prefix .. 'mail:' .. ARGV[i])
end
if #ARGV > 2 then
  for _, key in ipairs(lasting) do
    if redis.call('PTTL', key) < 10 * leaseMs then redis.call('PEXPIRE', key, 10 * leaseMs) end
  end
end
local known = redis.call('HMGET', order, 'epoch', 'seq')
if known[1] then redis.call('HSET', order, 'writtenAt', string.format('%.0f', time)) end
local replid = string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)')
return { known[1] or '', known[2] or '0', replid, redis.call('ZRANGE', nodes, 0, -1), displaced }
`,
  { uses: ['now', 'expireWith', 'remove'], runsWhenFull: true },
)

/** Removes a node. KEYS: nodes. ARGV: prefix, node. */
export const leaveScript = new Script(
  `
if redis.call('ZSCORE', KEYS[1], ARGV[2]) then remove(ARGV[1], KEYS[1], ARGV[2]) end
return 1
`,
  { uses: ['expireWith', 'remove'], runsWhenFull: true },
)

/** No session is handed over to the node from now on. KEYS: nodes, retired. ARGV: node. */
export const retireScript = new Script(
  `
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 1 end
redis.call('SADD', KEYS[2], ARGV[1])
expireWith(KEYS[1], KEYS[2])
return 1
`,
  { uses: ['expireWith'], runsWhenFull: true },
)

/**
 * Puts mail into the stream of a node. It is read at once, and bounded: so it takes its room even when Redis is full.
 *
 * KEYS: nodes, mail, bytes. ARGV: to, from, link, number, most bytes, the mail.
 *
 * Gives 1; 0 when there is no such node; -1 when it does not read what it has.
 */
export const sendScript = new Script(
  `
local nodes, mail, bytes = KEYS[1], KEYS[2], KEYS[3]
if not isLive(nodes, ARGV[1], now()) then return 0 end
local held = tonumber(redis.call('HGET', bytes, ARGV[1]) or '0')
local size = #ARGV[6] + 200
if held > 0 and held + size > tonumber(ARGV[5]) then return -1 end
redis.call('HINCRBY', bytes, ARGV[1], size)
redis.call('XADD', mail, '*', 'from', ARGV[2], 'link', ARGV[3], 'number', ARGV[4], 'mail', ARGV[6])
expireWith(nodes, bytes)
expireWith(nodes, mail)
return 1
`,
  { uses: ['now', 'isLive', 'expireWith'], runsWhenFull: true },
)

/** Deletes mail that was read. KEYS: mail, bytes. ARGV: node, the id after the last, the bytes. */
export const readScript = new Script(
  `
redis.call('XTRIM', KEYS[1], 'MINID', ARGV[2])
local left = redis.call('HINCRBY', KEYS[2], ARGV[1], -tonumber(ARGV[3]))
if left <= 0 then redis.call('HDEL', KEYS[2], ARGV[1]) end
return 1
`,
  { runsWhenFull: true },
)

/** Ends the wait of a reader. KEYS: its stream. */
export const wakeScript = new Script(
  `
redis.call('XADD', KEYS[1], 'MAXLEN', 1, '*', 'wake', '1')
redis.call('PEXPIRE', KEYS[1], 60000)
return 1
`,
  { runsWhenFull: true },
)

/** Refused while Redis is full. */
export const roomScript = new Script('return 1')
