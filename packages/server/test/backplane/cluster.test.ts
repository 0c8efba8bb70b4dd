import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { deferred } from '@tidings/testkit/deferred'
import { Log } from '@tidings/testkit/log'
import { post } from '@tidings/testkit/post'
import type { SseReader } from '@tidings/testkit/sse-reader'
import { health } from '../harness/health.ts'
import { heapUsed } from '@tidings/testkit/heap-used'
import { proxyTo } from '../harness/proxy-to.ts'
import { connectRaw } from '../harness/raw-client.ts'
import { read, readAnswer } from '../harness/read.ts'
import { start } from '../harness/start.ts'
import { DelayedBackplane } from './delayed-backplane.ts'
import { listen } from '../harness/listen.ts'
import { connectTidings, transports } from '../harness/tidings-client.ts'
import {
  type Backplane,
  type HandlerContext,
  type McpServer,
  MemoryBackplane,
  type ServeOptions,
} from '../../src/index.ts'
import { changesOf } from '../harness/internals.ts'

import.meta.jest.setTimeout(30_000)

const accept = 'application/json, text/event-stream'
const initialize = (capabilities = {}) => ({
  jsonrpc: '2.0',
  id: 'init',
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'raw', version: '0' } },
})

/** How a node is connected to the store. */
type Connection = (store: MemoryBackplane) => Backplane

/** Two servers, each on a port of its own, that are one to their clients. */
async function startCluster(
  connect: Connection,
  talk: (context: HandlerContext) => unknown = () => undefined,
  options: ServeOptions = {},
) {
  const backplane = new MemoryBackplane()
  const register = (server: McpServer) => {
    server.resource('test://a', {}, () => 'a')
    server.tool('talk', {}, async (_args, context) => ({
      structuredContent: { result: (await talk(context)) ?? null },
    }))
  }
  const a = await start(register, options, { backplane: connect(backplane) })
  const b = await start(register, options, { backplane: connect(backplane) })
  return { a, b, backplane }
}

const call = (id: string | number, _meta?: object) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'talk', ...(_meta && { _meta }) },
})
const subscribe = { jsonrpc: '2.0', id: 's', method: 'resources/subscribe', params: { uri: 'test://a' } }

/** The URL of a node, for a client that was told one of another. */
const at = (url: string, of: string) => new URL(new URL(of).pathname + new URL(of).search, url).href

/** POSTs, and reads the answer as a stream. */
async function postForStream(
  url: string,
  message: object,
  headers: Record<string, string>,
): Promise<SseReader> {
  const reader = await readAnswer(url, message, { Accept: accept, ...headers })
  expect(reader.response.headers['content-type']).toBe('text/event-stream')
  return reader
}

/** Opens a session of Streamable HTTP. */
async function openStreamable(url: string, headers: Record<string, string> = {}) {
  const response = await post(`${url}/mcp`, initialize(), { Accept: accept, ...headers })
  expect(response.status).toBe(200)
  const session = { Accept: accept, 'Mcp-Session-Id': response.headers.get('Mcp-Session-Id')!, ...headers }
  await post(`${url}/mcp`, { jsonrpc: '2.0', method: 'notifications/initialized' }, session)
  return session
}

const connections: [string, Connection][] = [
  ['in one process', (store) => store],
  ['with a backplane somewhere else', (store) => new DelayedBackplane(store)],
]

describe.each(connections)('nodes %s', (_, connect) => {
  const cluster = (talk?: (context: HandlerContext) => unknown, options?: ServeOptions) =>
    startCluster(connect, talk, options)

  test('HTTP+SSE: opened here, posted there', async () => {
    const { a, b } = await cluster(({ progress, log }) => {
      progress({ progress: 1 })
      log('info', 'said')
      return 'done'
    })
    const client = await connectRaw(a.url)
    const endpoint = at(b.url, client.endpoint)
    const taken = await post(endpoint, call('there', { progressToken: 'p' }))
    expect([taken.status, await taken.text()]).toEqual([202, ''])
    expect((await client.answer('there')).result.structuredContent).toEqual({ result: 'done' })
    expect(client.messages.map(({ method }) => method).filter(Boolean)).toEqual([
      'notifications/progress',
      'notifications/message',
    ])
    const refused = await post(endpoint, '{"jsonrpc":"2.0","id":null,"method":"ping"}')
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: { code: -32600 } }])
    expect((await health(a.url)).sessions.open).toBe(1)
    expect((await health(b.url)).sessions.open).toBe(0)
  })

  test('HTTP+SSE: opened here, resumed there, without a loss', async () => {
    const { a, b } = await cluster()
    const client = await connectRaw(a.url)
    await client.request('resources/subscribe', { uri: 'test://a' })
    const { lastEventId } = client.reader
    client.reader.cut()
    await post(at(b.url, client.endpoint), call('missed'))
    a.server.changed('test://a')
    b.server.changed('test://a')
    const reader = await read(`${b.url}/sse`, { 'Last-Event-ID': lastEventId })
    expect(reader.response.headers['tidings-recovered']).toBe('true')
    expect(await reader.next()).toMatchObject({
      event: 'endpoint',
      data: expect.stringContaining('/messages?'),
    })
    await reader.until(() => reader.events.length === 3, 'what was missed')
    const [answer, change] = [await reader.message(), await reader.message()]
    expect(answer).toMatchObject({ id: 'missed', result: {} })
    expect(change).toMatchObject({ method: 'notifications/resources/updated' })
    // And on.
    b.server.changed('test://a')
    expect(await reader.message()).toMatchObject({ method: 'notifications/resources/updated' })
    // Resumed again, at home.
    const home = await read(`${a.url}/sse`, { 'Last-Event-ID': reader.lastEventId })
    expect(home.response.headers['tidings-recovered']).toBe('true')
    await reader.untilClosed()
    expect(reader.comments).toContain('replaced by a newer stream')
  })

  test('a change published on any node reaches the readers of every transport on all nodes', async () => {
    const { a, b } = await cluster()
    const sse = await connectRaw(a.url)
    await sse.request('resources/subscribe', { uri: 'test://a' })
    const id = randomUUID()
    const paired = await read(`${a.url}/sse?client_id=${id}`)
    await post(`${a.url}/mcp?client_id=${id}`, initialize())
    await post(`${a.url}/mcp?client_id=${id}`, subscribe)
    const session = await openStreamable(a.url)
    await post(`${a.url}/mcp`, subscribe, session)
    const streamable = await read(`${a.url}/mcp`, session)
    const stateless = await listen(a.url, { resourceSubscriptions: ['test://a'] })
    const readers = [sse.reader, paired, streamable, stateless]
    const updates = () =>
      readers.map(({ events }) => events.filter(({ data }) => data.includes('resources/updated')).length)
    b.server.changed('test://a')
    await Promise.all(readers.map((reader, i) => reader.until(() => updates()[i] === 1, 'the change')))
    a.server.changed('test://a')
    await Promise.all(readers.map((reader, i) => reader.until(() => updates()[i] === 2, 'the second')))
  })

  test('paired: a stream here, requests there; whichever comes first is the home of the session', async () => {
    const { a, b } = await cluster(({ progress }) => {
      progress({ progress: 1 })
      return 'done'
    })
    const id = randomUUID()
    await post(`${b.url}/mcp?client_id=${id}`, initialize())
    const reader = await read(`${a.url}/sse?client_id=${id}`)
    const answer = await post(`${a.url}/mcp?client_id=${id}`, call('1', { progressToken: 'p' }))
    expect([answer.status, answer.headers.get('Content-Type')]).toEqual([
      200,
      'application/json; charset=utf-8',
    ])
    expect(await answer.json()).toMatchObject({ id: '1', result: { structuredContent: { result: 'done' } } })
    expect(await reader.message()).toMatchObject({ method: 'notifications/progress' })
    expect([(await health(a.url)).sessions.open, (await health(b.url)).sessions.open]).toEqual([0, 1])
  })

  test('paired: of many first requests on all nodes at once, one opens the session', async () => {
    const { a, b } = await cluster()
    const id = randomUUID()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        post(`${(i % 2 ? a : b).url}/mcp?client_id=${id}`, { jsonrpc: '2.0', id: i, method: 'ping' }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    const [one, other] = [await health(a.url), await health(b.url)]
    expect(one.sessions.open + other.sessions.open).toBe(1)
  })

  test('paired: a client that leaves aborts its call on the other node', async () => {
    const begun = deferred<AbortSignal>()
    const { a, b } = await cluster(({ signal }) => {
      begun.resolve(signal)
      return new Promise(() => {})
    })
    const id = randomUUID()
    await post(`${a.url}/mcp?client_id=${id}`, initialize())
    const controller = new AbortController()
    const answer = fetch(`${b.url}/mcp?client_id=${id}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(call('h')),
      signal: controller.signal,
    }).catch(() => {})
    const signal = await begun.promise
    controller.abort()
    await once(signal, 'abort')
    expect(signal.reason).toMatchObject({ message: 'The client is gone' })
    await answer
  })

  test('streamable: answers by JSON and by a stream, resumed on any node', async () => {
    const goOn = deferred()
    const { a, b } = await cluster(async ({ progress, requestId }) => {
      if (requestId === 'plain') return 'plain'
      progress({ progress: 1 })
      await goOn.promise
      progress({ progress: 2 })
      return 'done'
    })
    const session = await openStreamable(a.url)
    const plain = await post(`${b.url}/mcp`, call('plain'), session)
    expect([plain.status, await plain.json()]).toMatchObject([200, { id: 'plain' }])
    const streamed = await postForStream(`${b.url}/mcp`, call('streamed', { progressToken: 'p' }), session)
    await streamed.until(() => streamed.events.length >= 2, 'the first progress')
    const { lastEventId } = streamed
    streamed.cut()
    goOn.resolve()
    const resumed = await read(`${b.url}/mcp`, { ...session, 'Last-Event-ID': lastEventId })
    expect(resumed.response.headers['tidings-recovered']).toBe('true')
    await resumed.untilClosed()
    const messages = resumed.events.filter(({ data }) => data !== '').map(({ data }) => JSON.parse(data))
    expect(messages).toMatchObject([{ params: { progress: 2 } }, { id: 'streamed', result: {} }])
  })

  test('streamable: answers to what the server asks come in on any node', async () => {
    const { a, b } = await cluster(async ({ elicit }) => {
      const { action } = await elicit({ message: '?', requestedSchema: { type: 'object', properties: {} } })
      return action
    })
    const response = await post(`${a.url}/mcp`, initialize({ elicitation: {} }), { Accept: accept })
    const session = { Accept: accept, 'Mcp-Session-Id': response.headers.get('Mcp-Session-Id')! }
    const stream = await postForStream(`${b.url}/mcp`, call('asks'), session)
    await stream.until(
      () => stream.events.some(({ data }) => data.includes('elicitation/create')),
      'the question',
    )
    const { id } = JSON.parse(stream.events.find(({ data }) => data.includes('elicitation/create'))!.data)
    const taken = await post(`${a.url}/mcp`, { jsonrpc: '2.0', id, result: { action: 'decline' } }, session)
    expect(taken.status).toBe(202)
    await stream.untilClosed()
    expect(stream.events.at(-1)!.data).toContain('"result":"decline"')
  })

  test('DELETE there ends the session here', async () => {
    const { a, b } = await cluster()
    const client = await connectRaw(a.url)
    const session = await openStreamable(a.url)
    const stream = await read(`${a.url}/mcp`, session)
    expect((await fetch(at(b.url, client.endpoint), { method: 'DELETE' })).status).toBe(204)
    expect((await fetch(`${b.url}/mcp`, { method: 'DELETE', headers: session })).status).toBe(204)
    await Promise.all([client.reader.untilClosed(), stream.untilClosed()])
    expect(client.reader.comments).toContain('ended by its client')
    for (const { url } of [a, b]) {
      expect((await post(at(url, client.endpoint), call(1))).status).toBe(404)
      expect((await post(`${url}/mcp`, call(1), session)).status).toBe(404)
    }
  })

  test('a session is only for who opened it, wherever it lives', async () => {
    const { a, b } = await cluster(undefined, { principal: (ctx) => ctx.get('X-User') || undefined })
    const alice = { 'X-User': 'alice' }
    const client = await connectRaw(a.url, { headers: alice }).catch(() => undefined)
    const reader = client?.reader ?? (await read(`${a.url}/sse`, alice))
    const session = await openStreamable(a.url, alice)
    const endpoint = at(b.url, new URL(reader.events[0]!.data, a.url).href)
    for (const headers of [{ 'X-User': 'bob' }, {}]) {
      const others = { ...session, 'X-User': '', ...headers }
      expect((await post(endpoint, call(1), headers)).status).toBe(403)
      expect((await fetch(endpoint, { method: 'DELETE', headers })).status).toBe(403)
      expect((await post(`${b.url}/mcp`, call(1), others)).status).toBe(403)
      expect((await fetch(`${b.url}/mcp`, { method: 'DELETE', headers: others })).status).toBe(403)
      expect((await fetch(`${b.url}/mcp`, { headers: others })).status).toBe(403)
      const resumed = await read(`${b.url}/sse`, { ...headers, 'Last-Event-ID': reader.lastEventId })
      expect(resumed.response.headers['tidings-recovered']).toBe('false')
    }
    expect((await post(endpoint, call(1), alice)).status).toBe(202)
    expect((await post(`${b.url}/mcp`, call(1), session)).status).toBe(200)
  })

  test('when the home closes, its streams elsewhere end with a reason, and its sessions go on', async () => {
    const { a, b } = await cluster()
    const client = await connectRaw(a.url)
    const reader = await read(`${b.url}/sse`, { 'Last-Event-ID': client.reader.lastEventId })
    await a.close()
    await reader.untilClosed()
    expect(reader.comments).toContain('server stopping')
    expect((await post(at(b.url, client.endpoint), call(1))).status).toBe(202)
    const back = await read(`${b.url}/sse`, { 'Last-Event-ID': reader.lastEventId })
    expect(back.response.headers['tidings-recovered']).toBe('true')
    await back.next()
    expect(await back.message()).toMatchObject({ id: 1, result: {} })
  })

  test('when the home dies, clients with a stream elsewhere come back soon, and what waits for an answer may have run', async () => {
    const begun = deferred()
    const { a, b, backplane } = await cluster(() => {
      begun.resolve()
      return new Promise(() => {})
    })
    const session = await openStreamable(a.url)
    const stream = await read(`${b.url}/mcp`, session)
    const waiting = post(`${b.url}/mcp`, call('waits'), session)
    await begun.promise
    const cut = new Promise((resolve) => stream.response.once('close', resolve))
    await backplane.leave(backplane.nodes()[0]!)
    await cut
    expect(stream.retryMs).toBeLessThan(500)
    const answer = await waiting
    expect([answer.status, await answer.json()]).toMatchObject([
      502,
      { error: { data: { mayHaveRun: true } } },
    ])
    expect((await post(`${b.url}/mcp`, { ...call(1), method: 'ping' }, session)).status).toBe(200)
  })

  test('when the node between them closes, clients come back to their session by another', async () => {
    const { a, b } = await cluster()
    const client = await connectRaw(a.url)
    await client.request('resources/subscribe', { uri: 'test://a' })
    const there = await read(`${b.url}/sse`, { 'Last-Event-ID': client.reader.lastEventId })
    await there.next()
    await b.close()
    await there.untilClosed()
    expect(there.comments).toContain('server stopping')
    a.server.changed('test://a')
    const home = await read(`${a.url}/sse`, { 'Last-Event-ID': there.lastEventId })
    expect(home.response.headers['tidings-recovered']).toBe('true')
    await home.next()
    expect(await home.message()).toMatchObject({ method: 'notifications/resources/updated' })
  })

  test('a position of one node is good on all others', async () => {
    const { a, b } = await cluster()
    const here = await listen(a.url, { resourceSubscriptions: ['test://a'] })
    const ack = await here.message()
    here.cut()
    a.server.changed('test://a')
    const since = ack.params._meta['dev.tidings/position']
    const there = await listen(b.url, { resourceSubscriptions: ['test://a'] }, { since })
    expect((await there.message()).params._meta).toMatchObject({ 'dev.tidings/recovered': true })
    expect(await there.message()).toMatchObject({ method: 'notifications/resources/updated' })
  })

  test('a node that comes later knows what changed before', async () => {
    const { a, backplane } = await cluster()
    const here = await listen(a.url, { resourceSubscriptions: ['test://a'] })
    const since = (await here.message()).params._meta['dev.tidings/position']
    a.server.changed('test://a')
    const c = await start(
      (server) => server.resource('test://a', {}, () => 'a'),
      {},
      { backplane: connect(backplane) },
    )
    const there = await listen(c.url, { resourceSubscriptions: ['test://a'] }, { since })
    expect((await there.message()).params._meta).toMatchObject({ 'dev.tidings/recovered': true })
    expect(await there.message()).toMatchObject({ method: 'notifications/resources/updated' })
  })

  test('a slow reader at another node costs the home no more than one at home, and is told the newest', async () => {
    const uri = (i: number) => `test://${String(i).padStart(4, '0')}/${'x'.repeat(200)}`
    const resources = 500
    const { a, b } = await cluster()
    for (let i = 0; i < resources; i++) a.server.resource(uri(i), {}, () => '')
    const session = await openStreamable(a.url)
    for (let i = 0; i < resources; i++) {
      await post(`${a.url}/mcp`, { ...subscribe, params: { uri: uri(i) } }, session)
    }
    const slow = await read(`${b.url}/mcp`, session)
    slow.stall()
    const rounds = 100
    const newest = changesOf(a.server).seq + rounds * resources
    const heap = await heapUsed()
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < resources; i++) b.server.changed(uri(i))
      await new Promise(setImmediate)
    }
    while (changesOf(a.server).seq < newest) await new Promise(setImmediate)
    expect((await heapUsed()) - heap).toBeLessThan(4 * 1024 * 1024)
    slow.goOn()
    const position = () => Number(slow.lastEventId.split('.')[2] ?? 0)
    await slow.until(() => position() === newest, 'the newest change')
    const told = slow.events.filter(({ data }) => data.includes('resources/updated'))
    // 50,000 changes of 350 bytes were published: 17 MB. The sockets take some of it, the relay 64 KiB.
    expect(told.length).toBeLessThan((rounds * resources) / 2)
    const last = new Map(told.map(({ data }) => [JSON.parse(data).params.uri, data]))
    expect(last.size).toBe(resources)
  }, 60_000)

  test('a long answer goes through to a reader that is slow', async () => {
    const { a, b } = await cluster(() => 'x'.repeat(5_000_000))
    const session = await openStreamable(a.url)
    const answer = await post(`${b.url}/mcp`, call(1), session)
    const { result } = await answer.json()
    expect(result.structuredContent.result).toHaveLength(5_000_000)
  })

  test.each(transports)(
    'our client over %s, led to another node after each cut, keeps up',
    async (transport) => {
      const { a, b } = await cluster(undefined, { retryMs: 10 })
      const proxy = await proxyTo(a.port)
      const client = await connectTidings(proxy.url, { transport })
      let version = 0
      const changed = () => {
        version++
        ;(version % 2 ? a : b).server.changed('test://a')
      }
      const watch = client.watch('test://a')[Symbol.asyncIterator]()
      await watch.next()
      for (const node of [b, a, b]) {
        changed()
        await watch.next()
        proxy.target = node.port
        proxy.cut()
        changed()
        await watch.next()
      }
      await watch.return?.()
    },
    30_000,
  )

  test('nothing is left of what was relayed', async () => {
    const { a, b, backplane } = await cluster()
    for (let i = 0; i < 5; i++) {
      const session = await openStreamable(a.url)
      const stream = await read(`${b.url}/mcp`, session)
      await post(`${b.url}/mcp`, call(1), session)
      await fetch(`${b.url}/mcp`, { method: 'DELETE', headers: session })
      await stream.untilClosed()
      expect(await backplane.adopt(session['Mcp-Session-Id'], 'observer')).toBeUndefined()
    }
    await Promise.all([a.close(), b.close()])
    expect([changesOf(a.server).size, changesOf(b.server).size]).toEqual([0, 0])
  })
})

test('when it cannot be found out where a session lives, the client is told to ask again', async () => {
  const log = new Log()
  const backplane = new MemoryBackplane()
  const { url } = await start(() => {}, { logger: log }, { backplane })
  const failure = new Error('no connection')
  backplane.adopt = () => Promise.reject(failure)
  const answer = await post(`${url}/messages?sessionId=elsewhere`, call(1))
  expect([answer.status, answer.headers.get('Retry-After')]).toEqual([503, '1'])
  expect(log.errors).toEqual([failure])
})

test('a backplane that cannot be joined is logged; requests are refused, and the server says that it is not ready', async () => {
  const log = new Log()
  const backplane = new MemoryBackplane()
  const failure = new Error('no such host')
  backplane.join = () => Promise.reject(failure)
  const { url } = await start(() => {}, { logger: log }, { backplane })
  const refused = await fetch(`${url}/sse`, { headers: { Accept: 'text/event-stream' } })
  expect([refused.status, refused.headers.get('Retry-After')]).toEqual([503, '1'])
  expect(await refused.json()).toMatchObject({
    error: { message: 'The server has not reached its backplane yet' },
  })
  const health = await fetch(`${url}/health`)
  expect([health.status, await health.json()]).toMatchObject([503, { status: 'starting' }])
  expect(log.errors).toContain(failure)
})

test('a server that is stopped before it has joined refuses those that wait, and does not call that a failure', async () => {
  const log = new Log()
  const backplane = new MemoryBackplane()
  const closing = deferred()
  backplane.join = () => closing.promise.then(() => Promise.reject(new Error('closed')))
  const serving = await start(() => {}, { logger: log }, { backplane })
  const asked = once(serving.http, 'request')
  const waiting = fetch(`${serving.url}/sse`, { headers: { Accept: 'text/event-stream' } })
  await asked
  const closed = serving.close()
  closing.resolve()
  const refused = await waiting
  expect([refused.status, await refused.json()]).toMatchObject([
    503,
    { error: { message: 'The server is stopping' } },
  ])
  await closed
  expect(log.errors).toEqual([])
})

test('a session that cannot be claimed is served where it was opened', async () => {
  const log = new Log()
  const backplane = new MemoryBackplane()
  const { url } = await start(() => {}, { logger: log }, { backplane })
  const failure = new Error('no connection')
  backplane.claim = () => Promise.reject(failure)
  await connectRaw(url)
  expect(log.errors).toEqual([failure])
})
