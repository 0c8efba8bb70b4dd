import { changesOf } from '../harness/internals.ts'
import { post } from '@tidings/testkit/post'
import { until } from '@tidings/testkit/until'
import { health, untilHealth } from '../harness/health.ts'
import { heapUsed } from '@tidings/testkit/heap-used'
import { connectRaw } from '../harness/raw-client.ts'
import { read } from '../harness/read.ts'
import { start } from '../harness/start.ts'

const { jest } = import.meta

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '0' } },
}

test('a session whose client has gone is kept for a while, then ended', async () => {
  const { url } = await start(() => {}, { resumeWithinMs: 50 })
  const client = await connectRaw(url)
  client.reader.cut()
  await untilHealth(url, ({ connected_clients }) => connected_clients === 0)
  await untilHealth(url, ({ sessions }) => sessions.open === 0)
  expect((await health(url)).sessions.ended).toEqual({ idle: 1 })
  expect((await client.send({ id: 9, method: 'ping' })).status).toBe(404)
})

test('a session whose stream is open does not end, however quiet it is', async () => {
  const { url } = await start(() => {}, { resumeWithinMs: 20 })
  const quiet = await connectRaw(url)
  const gone = await connectRaw(url)
  gone.reader.cut()
  await untilHealth(url, ({ sessions }) => sessions.ended.idle === 1)
  await quiet.request('ping')
})

test('past the limit the session that has been away longest makes room; when all are there, 503', async () => {
  const { url } = await start(() => {}, { limits: { sessions: { total: 2 } } })
  const away = await connectRaw(url)
  const here = await connectRaw(url)
  away.reader.cut()
  await untilHealth(url, ({ connected_clients }) => connected_clients === 1)
  const third = await connectRaw(url)
  expect((await away.send({ id: 9, method: 'ping' })).status).toBe(404)
  const refused = await fetch(`${url}/sse`)
  expect(refused.status).toBe(503)
  expect(refused.headers.get('Retry-After')).toBe('1')
  expect(await refused.json()).toEqual({
    jsonrpc: '2.0',
    error: {
      code: -32600,
      message: 'Too many sessions are open: at most 2 in all (limits.sessions.total)',
      data: { limit: 'sessions.total', max: 2 },
    },
  })
  await Promise.all([here.request('ping'), third.request('ping')])
  expect((await health(url)).sessions).toMatchObject({ open: 2, opened: 3, refused: 1 })
})

test('DELETE ends a session: its stream closes, its calls are aborted, its id is unknown', async () => {
  let reason: unknown
  const { url } = await start((server) => {
    server.tool('hang', {}, (_args, { signal }) => {
      signal.addEventListener('abort', () => (reason = signal.reason))
      return new Promise(() => {})
    })
  })
  const client = await connectRaw(url)
  await client.send({ id: 'h', method: 'tools/call', params: { name: 'hang' } })
  expect((await fetch(client.endpoint, { method: 'DELETE' })).status).toBe(204)
  await client.reader.untilClosed()
  expect(reason).toMatchObject({ name: 'AbortError', message: 'ended by its client' })
  expect((await fetch(client.endpoint, { method: 'DELETE' })).status).toBe(404)
  const resumed = await read(`${url}/sse`, { 'Last-Event-ID': client.reader.lastEventId })
  expect(resumed.response.headers['tidings-recovered']).toBe('false')
})

test('ids are of 128 random bits, and a mark of the server', async () => {
  const { url } = await start()
  const ids = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const { data } = await (await read(`${url}/sse`)).next()
      return new URL(data, url).searchParams.get('sessionId')!
    }),
  )
  expect(new Set(ids).size).toBe(20)
  for (const id of ids) expect(id).toMatch(/^[\w-]{26}$/)
  expect(new Set(ids.map((id) => id.slice(0, 22))).size).toBe(20)
  expect(new Set(ids.map((id) => id.slice(22))).size).toBe(1)
})

test('a returning client that lacks messages that are no longer kept gets a new session', async () => {
  const { url } = await start(
    (server) => {
      server.tool('large', {}, () => ({ content: [{ type: 'text', text: 'x'.repeat(1_500_000) }] }))
    },
    { limits: { bytes: { perSession: 4_000_000 } } },
  )
  const client = await connectRaw(url)
  const early = client.reader.lastEventId
  // More than is kept of what was written.
  for (let i = 0; i < 4; i++) await client.request('tools/call', { name: 'large' })
  const reader = await read(`${url}/sse`, { 'Last-Event-ID': early })
  expect(reader.response.headers['tidings-recovered']).toBe('false')
  expect((await health(url)).sessions.ended).toEqual({ 'messages were lost': 1 })
  expect((await post(client.endpoint, { jsonrpc: '2.0', id: 1, method: 'ping' })).status).toBe(404)
})

test('1,000 sessions opened and dropped leave nothing behind', async () => {
  const { url, server } = await start(
    (server) => {
      server.resource('test://a', {}, () => 'a')
      server.tool('hang', {}, () => new Promise(() => {}))
    },
    { resumeWithinMs: 50 },
  )
  const round = async (sessions: number) => {
    for (let i = 0; i < sessions / 50; i++) {
      const clients = await Promise.all(Array.from({ length: 50 }, () => connectRaw(url)))
      await Promise.all(clients.map((client) => client.request('resources/subscribe', { uri: 'test://a' })))
      await Promise.all(
        clients.map((client) => client.send({ id: 'h', method: 'tools/call', params: { name: 'hang' } })),
      )
      for (const client of clients) client.reader.cut()
    }
    await untilHealth(
      url,
      ({ connected_clients, sessions }) => connected_clients === 0 && sessions.open === 0,
    )
  }
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  await round(200)
  const before = { timers: timers(), heap: await heapUsed() }
  await round(1000)
  expect(changesOf(server).size).toBe(0)
  // fetch has timers of its own that come and go.
  await until(
    () => timers() <= before.timers,
    () => `${timers()} timers, ${before.timers} before`,
  )
  // The heap of 1,000 sessions with a call in flight each would be several MiB, and stay. Whatever else is in
  // this process may need more than one collection.
  let growth = Infinity
  await until(
    async () => (growth = (await heapUsed()) - before.heap) < 2 * 1024 * 1024,
    () => `the heap grew by ${growth} bytes`,
  )
}, 60_000)

test('a session whose client does without a stream is kept for as long as it is heard of', async () => {
  const { url } = await start(() => {}, { resumeWithinMs: 20, idleTimeoutMs: 400 })
  const mcp = `${url}/mcp?client_id=${crypto.randomUUID()}`
  const ping = () => post(mcp, { jsonrpc: '2.0', id: 1, method: 'ping' })
  await post(mcp, initialize)
  const gone = await connectRaw(url)
  await ping()
  gone.reader.cut()
  await untilHealth(url, ({ sessions }) => sessions.ended.idle === 1)
  expect((await health(url)).sessions.open).toBe(1)
  await ping()
  await untilHealth(url, ({ sessions }) => sessions.ended.idle === 2)
})

test('a session that nobody initialized is kept as if its client needed a stream', async () => {
  const { url } = await start(() => {}, { resumeWithinMs: 20, idleTimeoutMs: 60_000 })
  const [one, other] = [1, 2].map(() => `${url}/mcp?client_id=${crypto.randomUUID()}`) as [string, string]
  await post(one, { jsonrpc: '2.0', id: 1, method: 'ping' })
  await post(other, initialize)
  await untilHealth(url, ({ sessions }) => sessions.ended.idle === 1)
  expect((await health(url)).sessions).toMatchObject({ open: 1, ended: { idle: 1 } })
})

/** All but `performance`. */
const doNotFake = [
  'Date',
  'hrtime',
  'nextTick',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
] as const

test('a session that nobody initialized makes room before one that is away for longer', async () => {
  jest.useFakeTimers({ doNotFake: [...doNotFake] })
  const { url } = await start(() => {}, { limits: { sessions: { total: 3 } } })
  const mcp = () => `${url}/mcp?client_id=${crypto.randomUUID()}`
  const ping = { jsonrpc: '2.0', id: 2, method: 'ping' }
  const initialized = mcp()
  await post(initialized, initialize)
  jest.advanceTimersByTime(10_000)
  await post(mcp(), ping)
  await post(mcp(), ping)
  jest.advanceTimersByTime(10_000)
  await post(mcp(), ping)
  await post(mcp(), ping)
  jest.useRealTimers()
  expect((await health(url)).sessions).toMatchObject({
    open: 3,
    opened: 5,
    ended: { 'too many sessions': 2 },
  })
  expect((await fetch(initialized, { method: 'DELETE' })).status).toBe(204)
})

test.each([1, -1])(
  'a wall clock that jumps by %i hours ends nothing, and keeps nothing for longer',
  async (hours) => {
    const { url } = await start(() => {}, { resumeWithinMs: 50 })
    const paired = `${url}/mcp?client_id=${crypto.randomUUID()}`
    await post(paired, initialize)
    const gone = await connectRaw(url)
    gone.reader.cut()
    await untilHealth(url, ({ connected_clients }) => connected_clients === 0)
    const now = Date.now.bind(Date)
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() + hours * 3_600_000)
    await untilHealth(url, ({ sessions }) => sessions.ended.idle === 1)
    expect((await post(paired, { jsonrpc: '2.0', id: 1, method: 'ping' })).status).toBe(200)
    clock.mockRestore()
  },
)

test('an id is good for the transport that gave it, and for no other', async () => {
  const { url } = await start()
  const unknown = 'There is no such session (any more): open a new one'
  const refused = async (response: Promise<Response>) => {
    const { status } = await response
    return [status, (await (await response).json()).error.message]
  }
  const httpSse = await connectRaw(url)
  const id = new URL(httpSse.endpoint).searchParams.get('sessionId')!
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  const headers = { Accept: 'application/json, text/event-stream', 'Mcp-Session-Id': id }
  expect(await refused(post(`${url}/mcp`, ping, headers))).toEqual([404, unknown])
  expect(await refused(fetch(`${url}/mcp`, { method: 'DELETE', headers }))).toEqual([404, unknown])
  expect(await refused(fetch(`${url}/mcp?client_id=${id}`, { method: 'DELETE' }))).toEqual([404, unknown])
  const taken = 'The id belongs to another session: choose a new one'
  expect(await refused(post(`${url}/mcp?client_id=${id}`, ping))).toEqual([403, taken])
  await httpSse.request('ping')
  const clientId = crypto.randomUUID()
  expect((await post(`${url}/mcp?client_id=${clientId}`, ping)).status).toBe(200)
  expect(await refused(post(`${url}/messages?sessionId=${clientId}`, ping))).toEqual([404, unknown])
  const initialized = await post(`${url}/mcp`, initialize, { Accept: headers.Accept })
  const streamable = initialized.headers.get('Mcp-Session-Id')!
  expect(await refused(post(`${url}/messages?sessionId=${streamable}`, ping))).toEqual([404, unknown])
  // Nor does an event id bring its stream to another transport.
  const session = { ...headers, 'Mcp-Session-Id': streamable }
  const { lastEventId } = await read(`${url}/mcp`, session).then(async (reader) => {
    await reader.next()
    return reader
  })
  const resumed = await read(`${url}/sse`, { 'Last-Event-ID': lastEventId })
  expect(resumed.response.headers['tidings-recovered']).toBe('false')
  expect((await post(`${url}/mcp`, ping, session)).status).toBe(200)
})
