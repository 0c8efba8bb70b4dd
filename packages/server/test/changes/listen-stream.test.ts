import { randomUUID } from 'node:crypto'
import { post } from '@tidings/testkit/post'
import { health, untilHealth } from '../harness/health.ts'
import { listen } from '../harness/listen.ts'
import { send } from '../harness/modern.ts'
import { changesOf } from '../harness/internals.ts'
import { connectRaw } from '../harness/raw-client.ts'
import { read } from '../harness/read.ts'
import { start } from '../harness/start.ts'

const uri = 'test://a'
const position = ({ params }: any): string => params._meta['dev.tidings/position']

async function serving(options = {}) {
  return start((server) => {
    server.resource(uri, {}, () => 'a')
    server.resource('test://b', {}, () => 'b')
  }, options)
}

test('a stream of changes is acknowledged first, with what is honoured, and tagged', async () => {
  const { url, server } = await serving()
  const stream = await listen(
    url,
    {
      toolsListChanged: true,
      promptsListChanged: false,
      resourceSubscriptions: [uri, 'test://none', uri, 'x'],
    },
    { id: 7 },
  )
  expect(await stream.message()).toMatchObject({
    method: 'notifications/subscriptions/acknowledged',
    params: {
      notifications: { toolsListChanged: true, resourceSubscriptions: [uri] },
      _meta: { 'io.modelcontextprotocol/subscriptionId': 7 },
    },
  })
  server.listChanged('prompts')
  server.listChanged('resources')
  server.changed('test://b')
  server.changed(uri)
  server.listChanged('tools')
  expect(await stream.message()).toEqual({
    jsonrpc: '2.0',
    method: 'notifications/resources/updated',
    params: {
      uri,
      _meta: { 'dev.tidings/position': expect.any(String), 'io.modelcontextprotocol/subscriptionId': 7 },
    },
  })
  expect(await stream.message()).toEqual({
    jsonrpc: '2.0',
    method: 'notifications/tools/list_changed',
    params: {
      _meta: { 'dev.tidings/position': expect.any(String), 'io.modelcontextprotocol/subscriptionId': 7 },
    },
  })
  expect(stream.events.every(({ id }) => id === undefined)).toBe(true)
})

test('nothing is asked for, nothing is sent', async () => {
  const { url, server } = await serving()
  const stream = await listen(url, {})
  expect((await stream.message()).params.notifications).toEqual({})
  server.listChanged('tools')
  server.changed(uri)
  await (await send(url, { method: 'tools/list' })).json()
  expect(stream.events).toHaveLength(1)
})

test('too many resources are refused', async () => {
  const { url } = await serving()
  const resourceSubscriptions = Array.from({ length: 1001 }, (_, i) => `test://${i}`)
  await expect(listen(url, { resourceSubscriptions })).rejects.toThrow('-32602')
})

test('a stream is ended gracefully by its result', async () => {
  const { url, server } = await serving()
  const stream = await listen(url, { toolsListChanged: true })
  await stream.message()
  await server.close({ deadlineMs: 0 })
  expect(await stream.message()).toEqual({
    jsonrpc: '2.0',
    id: 'l',
    result: { resultType: 'complete', _meta: { 'io.modelcontextprotocol/subscriptionId': 'l' } },
  })
  await stream.untilClosed()
})

test('a stream that is closed leaves nothing behind', async () => {
  const { url, server } = await serving()
  const streams = await Promise.all([1, 2, 3].map(() => listen(url, { resourceSubscriptions: [uri] })))
  expect([(await health(url)).connected_clients, changesOf(server).size]).toEqual([3, 1])
  for (const stream of streams) stream.cut()
  await untilHealth(url, ({ connected_clients }) => connected_clients === 0)
  expect(changesOf(server).size).toBe(0)
})

test('a position that is presented is answered with exactly what changed since', async () => {
  const { url, server } = await serving()
  const filter = { toolsListChanged: true, resourceSubscriptions: [uri, 'test://b'] }
  const first = await listen(url, filter)
  await first.message()
  server.changed('test://b')
  const since = position(await first.message())
  first.cut()
  server.listChanged('tools')
  for (let i = 0; i < 10; i++) server.changed(uri)
  const second = await listen(url, filter, { since })
  const ack = await second.message()
  expect(ack.params._meta['dev.tidings/recovered']).toBe(true)
  expect(position(ack)).toBe(since)
  expect(await second.message()).toMatchObject({ method: 'notifications/tools/list_changed' })
  const last = await second.message()
  expect(last.params.uri).toBe(uri)
  const third = await listen(url, filter, { since: position(last) })
  expect((await third.message()).params._meta['dev.tidings/recovered']).toBe(true)
  server.listChanged('tools')
  expect(await third.message()).toMatchObject({ method: 'notifications/tools/list_changed' })
})

test('a position that says nothing here is answered so, and nothing is guessed', async () => {
  const { url, server } = await serving()
  const first = await listen(url, { toolsListChanged: true })
  const known = position(await first.message())
  const [epoch] = known.split('.')
  for (const since of ['nonsense', `${epoch}.999999`, `other.0`, `${epoch}.-1`, '']) {
    const stream = await listen(url, { toolsListChanged: true }, { since })
    const ack = await stream.message()
    expect(ack.params._meta['dev.tidings/recovered']).toBe(false)
    stream.cut()
  }
  const fresh = await listen(url, { toolsListChanged: true })
  expect((await fresh.message()).params._meta).not.toHaveProperty('dev.tidings/recovered')
  // More changes of topics that nobody watches than are remembered.
  for (let i = 0; i < 10_002; i++) server.changed(`test://unwatched/${i}`)
  const late = await listen(url, { toolsListChanged: true }, { since: known })
  expect((await late.message()).params._meta['dev.tidings/recovered']).toBe(false)
})

test('a reader that stalls is told the latest when it reads again', async () => {
  const { url, server } = await serving()
  const stream = await listen(url, { resourceSubscriptions: [uri, 'test://b'] })
  await stream.message()
  stream.stall()
  for (let i = 0; i < 100_000; i++) {
    server.changed(uri)
    await new Promise(setImmediate)
  }
  server.changed('test://b')
  server.changed('test://b')
  stream.goOn()
  await stream.until(() => stream.events.at(-1)!.data.includes('test://b'), 'the last change')
  expect(stream.events.filter(({ data }) => data.includes('test://b'))).toHaveLength(1)
  expect(stream.events.length).toBeLessThan(95_000)
}, 30_000)

test('one change reaches the subscribers of all four transports', async () => {
  const { url, server } = await serving()
  const subscribe = { jsonrpc: '2.0', id: 's', method: 'resources/subscribe', params: { uri } }

  const httpSse = await connectRaw(url)
  await httpSse.request('resources/subscribe', { uri })

  const clientId = randomUUID()
  const paired = await read(`${url}/sse?client_id=${clientId}`)
  await (await post(`${url}/mcp?client_id=${clientId}`, subscribe)).json()

  const accept = { Accept: 'application/json, text/event-stream' }
  const clientInfo = { name: 'raw', version: '0' }
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
  const initialize = { jsonrpc: '2.0', id: 'i', method: 'initialize', params }
  const opened = await post(`${url}/mcp`, initialize, accept)
  const session = { ...accept, 'Mcp-Session-Id': opened.headers.get('Mcp-Session-Id')! }
  await opened.json()
  await (await post(`${url}/mcp`, subscribe, session)).json()
  const streamable = await read(`${url}/mcp`, session)

  const stateless = await listen(url, { resourceSubscriptions: [uri] })
  await stateless.message()

  server.changed(uri)
  const readers = [httpSse.reader, paired, streamable, stateless]
  const isTold = ({ data }: { data: string }) => data.includes('"notifications/resources/updated"')
  await Promise.all(readers.map((reader) => reader.until(() => reader.events.some(isTold), 'the change')))
  for (const reader of readers) expect(reader.events.filter(isTold)).toHaveLength(1)
})
