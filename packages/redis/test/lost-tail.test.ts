import { get, type IncomingMessage } from 'node:http'
import { McpServer, serve } from '@tidings/server'
import { defer } from '@tidings/testkit/disposers'
import { Log } from '@tidings/testkit/log'
import { post } from '@tidings/testkit/post'
import { SseReader } from '@tidings/testkit/sse-reader'
import { until } from '@tidings/testkit/until'
import { open, proxyTo, startRedis } from './open.ts'
import { RecordingFollower } from './recording.ts'

import.meta.jest.setTimeout(30_000)

const accept = { Accept: 'application/json, text/event-stream' }

/** A node with its own way to Redis. */
async function startNode(redisPort: number) {
  const proxy = await proxyTo(redisPort)
  const backplane = open(proxy.port)
  const server = new McpServer({ name: 'node', version: '1.0.0' }, { backplane, logger: new Log() })
  for (const uri of ['test://0', 'test://1']) server.resource(uri, {}, () => uri)
  const { url } = defer(await serve(server, { port: 0 }), (each) => each.close())
  const follower = new RecordingFollower()
  await backplane.follow(follower)
  return { proxy, backplane, server, follower, url: `${url}/mcp` }
}

async function openStream(url: string, headers: Record<string, string>): Promise<SseReader> {
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    get(url, { headers: { ...headers, Accept: 'text/event-stream' } }, resolve).once('error', reject),
  )
  return defer(new SseReader(response), (reader) => reader.cut())
}

/** A session that watches all, and its headers. */
async function openSession(url: string): Promise<Record<string, string>> {
  const params = {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'test', version: '1.0.0' },
  }
  const response = await post(url, { jsonrpc: '2.0', id: 1, method: 'initialize', params }, accept)
  const session = {
    'Mcp-Session-Id': response.headers.get('mcp-session-id')!,
    'MCP-Protocol-Version': '2025-06-18',
  }
  const headers = { ...accept, ...session }
  await post(url, { jsonrpc: '2.0', method: 'notifications/initialized' }, headers)
  for (const uri of ['test://0', 'test://1']) {
    await post(url, { jsonrpc: '2.0', id: uri, method: 'resources/subscribe', params: { uri } }, headers)
  }
  return session
}

const isOf = (uri: string) => (event: { data: string }) => event.data.includes(uri)

test('a client that is ahead of a Redis that has lost its latest changes misses none of the next', async () => {
  const redis = await startRedis({ persistence: 'rdb' })
  const [away, dying] = [await startNode(redis.port), await startNode(redis.port)]
  const session = await openSession(dying.url)
  const stream = await openStream(dying.url, session)
  dying.server.changed('test://0')
  await stream.until(() => stream.events.some(isOf('test://0')), 'the first change')
  await until(() => away.follower.knows('test://0'), 'the other node has read it')
  // From here on all is lost: the node that has read it dies, the other one is away, and Redis has not stored it.
  await redis.command('save')
  away.proxy.goDown()
  for (const count of [2, 3, 4]) {
    dying.server.changed('test://0')
    await stream.until(() => stream.events.filter(isOf('test://0')).length === count, 'another change')
  }
  const { lastEventId } = stream
  const { epoch } = away.follower
  dying.proxy.goDown()
  stream.cut()
  await redis.kill()
  await redis.start()
  away.proxy.heal()
  // Nothing that this node has read is lost: so the order goes on. These have the place of those that were lost.
  for (const uri of ['test://1', 'test://0']) {
    away.server.changed(uri)
    await until(() => away.follower.told.at(-1) === uri, 'the change after')
  }
  for (let i = 0; i < 4; i++) {
    away.server.changed('test://0')
    const { length } = away.follower.told
    await until(() => away.follower.told.length > length, 'one more')
  }
  expect(away.follower.epoch).toBe(epoch)
  const next = await openStream(away.url, { ...session, 'Last-Event-ID': lastEventId })
  expect(next.response.statusCode).toBe(200)
  await next.until(() => next.events.some(isOf('test://1')), 'the change that it has not been told of')
})
