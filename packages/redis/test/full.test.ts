import { McpServer, serve } from '@tidings/server'
import { defer } from '@tidings/testkit/disposers'
import { Log } from '@tidings/testkit/log'
import { post } from '@tidings/testkit/post'
import type { RedisServer } from '@tidings/testkit/redis-server'
import { until } from '@tidings/testkit/until'
import { open, startRedis } from './open.ts'
import { RecordingFollower, RecordingNode } from './recording.ts'

import.meta.jest.setTimeout(30_000)

const fill = (redis: RedisServer) => redis.command('config', 'set', 'maxmemory', '1')
const giveRoom = (redis: RedisServer) => redis.command('config', 'set', 'maxmemory', '0')

test('a full Redis refuses what grows, in words; nodes stay, mail goes on, and changes wait for room', async () => {
  const redis = await startRedis()
  const log = new Log()
  const [one, two] = [open(redis.port, { logger: log }), open(redis.port)]
  const [a, b] = [new RecordingNode('a'), new RecordingNode('b')]
  const follower = new RecordingFollower()
  await Promise.all([one.join(a), two.join(b), two.follow(follower)])
  await one.claim('s', 'a', 60_000, 'first')
  await until(() => one.health.status === 'connected', 'it is well')
  await fill(redis)
  for (const topic of ['a:1', 'a:2', 'a:1']) one.publish(topic)
  await expect(one.save('s', 'a', 'second')).rejects.toThrow('maxmemory')
  await expect(one.claim('t', 'a', 60_000, 'new')).rejects.toThrow('maxmemory')
  await until(() => one.health.status === 'degraded', 'it says so')
  expect(one.health.reason).toContain('maxmemory')
  await one.send('a', 'b', Buffer.from('mail'))
  await until(() => b.mail.length === 1, 'the mail')
  await renewed(redis)
  expect([a.displacements, b.displacements, follower.told, log.errors.length]).toEqual([0, 0, [], 1])
  await giveRoom(redis)
  await until(() => follower.told.length === 2, 'the changes that waited')
  expect(follower.told).toEqual(['a:2', 'a:1'])
  expect(await one.save('s', 'a', 'second')).toBe(true)
  await until(() => one.health.status === 'connected', 'it is well again')
  expect(follower.snapshots).toHaveLength(1)
})

/** Waits until leases were renewed for longer than two of them last. */
async function renewed(redis: RedisServer): Promise<void> {
  const expiry = async () => Number(await redis.command('zscore', '{tidings}:nodes', 'a'))
  const before = await expiry()
  await until(async () => (await expiry()) > before + 1_200, 'the lease is renewed')
}

test('a node that comes to a full Redis is a node', async () => {
  const redis = await startRedis()
  await fill(redis)
  const backplane = open(redis.port)
  await backplane.follow(new RecordingFollower())
  await backplane.join(new RecordingNode('a'))
  expect(backplane.certain('a')).toBeUndefined()
})

test('clients of a server whose Redis is full: who is there goes on, who comes is told to try again', async () => {
  const redis = await startRedis()
  const backplane = open(redis.port)
  const server = new McpServer({ name: 'node', version: '1.0.0' }, { backplane, logger: new Log() })
  server.tool('echo', {}, () => ({ content: [{ type: 'text', text: 'echo' }] }))
  const { url } = defer(await serve(server, { port: 0 }), (each) => each.close())
  const accept = { Accept: 'application/json, text/event-stream' }
  const params = {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'test', version: '1.0.0' },
  }
  const initialize = () => post(`${url}/mcp`, { jsonrpc: '2.0', id: 1, method: 'initialize', params }, accept)
  const first = await initialize()
  const session = { ...accept, 'Mcp-Session-Id': first.headers.get('mcp-session-id')! }
  const call = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'echo', arguments: {} } }
  await post(`${url}/mcp`, { jsonrpc: '2.0', method: 'notifications/initialized' }, session)
  await fill(redis)
  expect(await (await post(`${url}/mcp`, call, session)).text()).toContain('echo')
  expect(await (await initialize()).text()).toContain('error')
  await giveRoom(redis)
  await until(async () => !(await (await initialize()).text()).includes('"error"'), 'a session')
  expect(await (await post(`${url}/mcp`, call, session)).text()).toContain('echo')
})

test.each([
  ['allkeys-lru', 'sessions, mail between nodes, and the order of changes can be lost'],
  ['volatile-ttl', 'sessions, and mail between nodes can be lost'],
])('a Redis that evicts keys by %s is warned of, once', async (policy, words) => {
  const redis = await startRedis({ settings: { maxmemory: '100mb', 'maxmemory-policy': policy } })
  const log = new Log()
  const backplane = open(redis.port, { logger: log })
  await backplane.follow(new RecordingFollower())
  const warnings = () => log.of('warn').filter(({ message }) => message.includes(words))
  expect(warnings()).toHaveLength(1)
  expect(warnings()[0]!.fields).toMatchObject({ policy, maxMemory: 104_857_600 })
  await redis.kill()
  await redis.start()
  await until(
    () => backplane.health.status === 'connected' && log.of('info').length > 1,
    'another connection',
  )
  expect(warnings()).toHaveLength(1)
})

test('no warning without a bound of memory', async () => {
  const redis = await startRedis({ settings: { 'maxmemory-policy': 'allkeys-lru' } })
  const log = new Log()
  await open(redis.port, { logger: log }).follow(new RecordingFollower())
  expect(log.of('warn')).toEqual([])
})
