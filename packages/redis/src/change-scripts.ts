import { Script } from './script.ts'

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
local after = string.format('%.0f', seq - count)
-- The first topics; or Redis has evicted what was known.
if redis.call('ZCARD', topics) == 0 then redis.call('HSET', order, 'floor', after) end
local pairs = {}
for i = 1, count do
  pairs[2 * i - 1] = seq - count + i
  pairs[2 * i] = ARGV[6 + i]
end
redis.call('ZADD', topics, unpack(pairs))
redis.call('XADD', log, 'MAXLEN', '~', ARGV[5], string.format('%.0f-0', seq), 'batch', ARGV[2] .. ':' .. ARGV[3], 'after', after, 'topics', ARGV[6])
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
 * caller proves that what it has read last is still there. What was written after that may be lost, and somebody may have been
 * told of it: the numbers go on far above, so that none of them is given twice. A master that goes on, and gets its first replica,
 * has a new id as well, and no second one, which is that of the master before.
 *
 * KEYS: order, log, topics. ARGV: another epoch, the epoch that the caller knows, the last entry that it has read, the batch of it, 1
 * when changes were lost.
 *
 * Gives the epoch, and 1 when the caller can read on after its last entry.
 */
export const attachScript = new Script(
  `
local order, log, topics = KEYS[1], KEYS[2], KEYS[3]
local time = now()
local replication, server = redis.call('INFO', 'replication'), redis.call('INFO', 'server')
local replid = string.match(replication, 'master_replid:(%w+)')
local run = string.match(server, 'run_id:(%w+)')
local known = redis.call('HMGET', order, 'epoch', 'replid', 'writtenAt', 'seq', 'start', 'run')
local epoch = known[1]
local isFollowing = epoch and epoch == ARGV[2]
local isProven, isTrimmed, isNext = false, false, false
if isFollowing then
  local id = ARGV[3] .. '-0'
  local last = redis.call('XRANGE', log, id, id)[1]
  local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  local following = redis.call('XRANGE', log, '(' .. id, '+', 'COUNT', 1)[1]
  isTrimmed = not last and first and tonumber(first[2][4]) > tonumber(ARGV[3])
  if last then isProven = last[2][2] == ARGV[4] else isProven = known[5] == ARGV[3] and not isTrimmed end
  -- An order that is older than its log would give numbers again.
  isProven = isProven and tonumber(known[4]) >= tonumber(ARGV[3])
  isNext = (following and following[2][4] or known[4]) == ARGV[3]
end
local isKept = false
if epoch then
  local isSameRun = known[6] == run and not string.match(replication, 'master_replid2:0*[1-9a-f]')
  if known[2] == replid or isSameRun then
    isKept = not isFollowing or isProven or isTrimmed
  else
    -- Redis knows its start, and the present, in whole seconds: the uptime can be a second too long.
    local uptime = tonumber(string.match(server, 'uptime_in_seconds:(%d+)'))
    local isRestarted = time - (uptime - 1) * 1000 >= tonumber(known[3])
    isKept = isFollowing and isProven and isRestarted
    if isKept then
      local start = string.format('%.0f', redis.call('HINCRBY', order, 'seq', 1000000000))
      redis.call('HSET', order, 'start', start)
      isNext = false
    end
  end
end
if not isKept or ARGV[5] == '1' then
  isKept = false
  epoch = ARGV[1]
  redis.call('HSETNX', order, 'seq', 0)
  local seq = redis.call('HGET', order, 'seq')
  redis.call('HSET', order, 'epoch', epoch, 'floor', seq, 'start', seq)
  redis.call('DEL', log, topics)
end
redis.call('HSET', order, 'replid', replid, 'run', run, 'writtenAt', string.format('%.0f', time))
if ARGV[2] ~= '' and ARGV[2] ~= epoch then redis.call('HSET', order, 'anewAt', string.format('%.0f', time)) end
return { epoch, (isKept and isFollowing and isProven and isNext) and 1 or 0 }
`,
  { uses: ['now'], runsWhenFull: true },
)

/**
 * The snapshot of the order. KEYS: order, topics, log.
 *
 * Gives the epoch, the sequence number, the number from which it is complete, the batch of the last entry, and the topics with
 * their numbers.
 */
export const snapshotScript = new Script(
  `
local order = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'floor')
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
local topics = redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')
-- Nothing has changed yet; or Redis has evicted what was known.
local floor = #topics == 0 and order[2] or order[3]
return { order[1] or '', order[2] or '0', floor or '0', last and last[2][2] or '', topics }
`,
  { runsWhenFull: true },
)
