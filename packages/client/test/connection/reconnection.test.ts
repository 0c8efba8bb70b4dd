import { Inbox } from '@tidings/testkit/inbox'
import { Log } from '@tidings/testkit/log'
import { rejection } from '@tidings/testkit/rejection'
import {
  type ClientError,
  ClosedError,
  ConnectionError,
  HttpError,
  RefusedError,
  TimeoutError,
} from '../../src/index.ts'
import type { FakeHttpSse } from '../harness/fake-http-sse.ts'
import { connected, fakeHttpSse, statesOf } from '../harness/harness.ts'

/** A server that asks for quick reconnects; each stream after the first is opened as said. */
async function quickServer(
  reopen: (server: FakeHttpSse, stream: FakeHttpSse['open'] extends Set<infer S> ? S : never) => void,
) {
  const server = await fakeHttpSse()
  let first = true
  server.onGet = (stream) => {
    if (!first) return reopen(server, stream)
    first = false
    server.newSession(stream)
    stream.raw('retry: 100\n\n')
  }
  return server
}

const resuming = async () =>
  (await quickServer((server, stream) => server.resume(stream, { 'tidings-recovered': 'true' }))).withIds()
const restarting = async () => quickServer((server, stream) => server.newSession(stream))

const silence = { 'tools/call': () => undefined }

test('a dropped stream is resumed after the last event, and requests in flight go on', async () => {
  const server = await resuming()
  server.answers = silence
  const client = await connected(server.url)
  const states = statesOf(client)
  const call = client.callTool('slow')
  const { message } = await server.post('tools/call')
  const before = await server.streams.next()
  before.cut()
  const after = await server.streams.next()
  expect(after.lastEventId).toBe('2')
  server.send({ id: message.id, result: { content: [], late: true } })
  expect(await call).toMatchObject({ late: true })
  expect(states.all).toEqual([
    { state: 'reconnecting', error: expect.any(ConnectionError) as unknown },
    { state: 'connected', recovered: true },
  ])
  expect(server.methods.filter((method) => method === 'initialize')).toHaveLength(1)
})

test('what an earlier stream brought is dropped when it comes again; within one stream nothing is', async () => {
  const server = await resuming()
  const client = await connected(server.url)
  const heard = new Inbox<string>()
  client.on('notifications/resources/updated', ({ uri }) => heard.push(uri))
  const updated = (uri: string) => ({ method: 'notifications/resources/updated', params: { uri } })
  const before = await server.streams.next()
  before.message(updated('a'), '10')
  before.message(updated('b'), '10')
  before.message(updated('c'), '11')
  await heard.next((uri) => uri === 'c')
  before.end()
  const after = await server.streams.next()
  expect(after.lastEventId).toBe('11')
  after.message(updated('b'), '10')
  after.message(updated('c'), '11')
  after.message(updated('d'), '12')
  await heard.next((uri) => uri === 'd')
  expect(heard.all).toEqual(['a', 'b', 'c', 'd'])
})

test('a server that cannot resume: in flight is lost, the session begins anew', async () => {
  const server = await restarting()
  server.answers = silence
  const client = await connected(server.url)
  const states = statesOf(client)
  await client.subscribe('x://1')
  await client.subscribe('x://2')
  await client.unsubscribe('x://2')
  await client.setLogLevel('error')
  const call = rejection(client.callTool('slow'))
  await server.post('tools/call')
  const posts = server.posts.all.length
  const before = await server.streams.next()
  before.cut()
  const after = await server.streams.next()
  expect(after.lastEventId).toBeUndefined()
  const error = (await call) as ConnectionError
  expect(error).toBeInstanceOf(ConnectionError)
  expect(error.message).toMatch('session was lost')
  expect(error.mayHaveRun).toBe(true)
  expect(await states.next(({ state }) => state === 'connected')).toEqual({
    state: 'connected',
    recovered: false,
  })
  expect(server.methods.slice(posts)).toEqual([
    'initialize',
    'notifications/initialized',
    'resources/subscribe',
    'logging/setLevel',
  ])
  expect(server.posts.all.at(-1)!.request.url).toBe('/messages?sessionId=2')
  await client.ping()
})

test('a request that is safe to repeat is made again when it was lost with its session', async () => {
  const server = await restarting()
  server.answers = { 'tools/list': () => undefined }
  const client = await connected(server.url)
  const list = client.listTools()
  const { message } = await server.post('tools/list')
  server.answers = { 'tools/list': () => ({ tools: [] }) }
  ;(await server.streams.next()).cut()
  expect(await list).toEqual([])
  expect((await server.post('tools/list')).message.id).not.toBe(message.id)
})

test('a server that has ids but says the session is new is believed', async () => {
  const server = (
    await quickServer((server, stream) => {
      stream.response.setHeader('Tidings-Recovered', 'false')
      server.newSession(stream)
    })
  ).withIds()
  const client = await connected(server.url)
  const states = statesOf(client)
  ;(await server.streams.next()).end()
  expect(await states.next(({ state }) => state === 'connected')).toMatchObject({ recovered: false })
})

test.each([
  ['with ids, at the same endpoint, goes on', true, 'resume', true],
  ['with ids, at another endpoint, is new', true, 'newSession', false],
  ['without ids, at the same endpoint, is new: nothing lost could be sent again', false, 'resume', false],
] as const)("a session of another maker's server %s", async (_what, ids, reopen, recovered) => {
  const server = await quickServer((server, stream) => server[reopen](stream))
  if (ids) server.withIds()
  const client = await connected(server.url)
  const states = statesOf(client)
  ;(await server.streams.next()).cut()
  expect(await states.next(({ state }) => state === 'connected')).toEqual({ state: 'connected', recovered })
})

test('what is called while there is no connection waits for it', async () => {
  const server = await resuming()
  const client = await connected(server.url)
  const states = statesOf(client)
  ;(await server.streams.next()).cut()
  await states.next(({ state }) => state === 'reconnecting')
  expect(client.state).toBe('reconnecting')
  await Promise.all([client.ping(), client.notify('notifications/roots/list_changed')])
  expect(states.all.at(-1)).toEqual({ state: 'connected', recovered: true })
})

test('the wait for a connection is bounded by the timeout: nothing can have run', async () => {
  const server = await quickServer((_server, stream) => stream.response.writeHead(500).end())
  const client = await connected(server.url)
  const states = statesOf(client)
  ;(await server.streams.next()).cut()
  await states.next(({ state }) => state === 'reconnecting')
  const error = (await rejection(client.ping({ timeoutMs: 30 }))) as TimeoutError
  expect(error).toBeInstanceOf(TimeoutError)
  expect(error.message).toBe(`ping: no connection to ${server.url} to send it on within 30 ms (timeoutMs)`)
  expect(error.mayHaveRun).toBe(false)
})

test('so is that of a notification', async () => {
  const server = await quickServer((_server, stream) => void stream.response.writeHead(500).end())
  const client = await connected(server.url, { timeoutMs: 300 })
  const states = statesOf(client)
  ;(await server.streams.next()).cut()
  await states.next(({ state }) => state === 'reconnecting')
  const error = await rejection(client.notify('notifications/roots/list_changed'))
  expect(error).toBeInstanceOf(TimeoutError)
  expect(error.message).toMatch('notifications/roots/list_changed could not be sent within 300 ms')
})

test('each attempt that fails is told with its error, and the next one follows', async () => {
  let attempts = 0
  const server = await quickServer((server, stream) => {
    if (++attempts === 1) return void stream.response.writeHead(502).end()
    if (attempts === 2)
      return void stream.response.writeHead(200, { 'content-type': 'text/html' }).end('down')
    server.newSession(stream)
  })
  const client = await connected(server.url)
  const states = statesOf(client)
  ;(await server.streams.next()).cut()
  await states.next(({ state }) => state === 'connected')
  expect(states.all.map(({ state, error }) => [state, error?.name])).toEqual([
    ['reconnecting', 'ConnectionError'],
    ['reconnecting', 'HttpError'],
    ['reconnecting', 'ProtocolError'],
    ['connected', undefined],
  ])
})

test('a server that accepts and hangs up is come back to less and less often', async () => {
  const times: number[] = []
  const server = await quickServer((server, stream) => {
    times.push(Date.now())
    server.newSession(stream)
    stream.end()
  })
  const client = await connected(server.url)
  for (let i = 0; i < 4; i++) (await server.streams.next()).end()
  await client.close()
  const gaps = times.slice(1).map((time, i) => time - times[i]!)
  gaps.forEach((gap, i) => expect(gap).toBeGreaterThanOrEqual(100 * 2 ** (i + 1) - 10))
})

test('Retry-After is honoured', async () => {
  let refusedAt = 0
  const server = await quickServer((server, stream) => {
    if (refusedAt > 0) return server.newSession(stream)
    refusedAt = Date.now()
    stream.response.writeHead(503, { 'retry-after': '1' }).end()
  })
  const client = await connected(server.url)
  const states = statesOf(client)
  ;(await server.streams.next()).cut()
  await states.next(({ state }) => state === 'connected')
  expect(Date.now() - refusedAt).toBeGreaterThanOrEqual(990)
})

test.each([401, 403, 204])('%i on reconnect does not heal: the client closes with it', async (status) => {
  const server = await quickServer((_server, stream) => stream.response.writeHead(status).end())
  server.answers = silence
  const client = await connected(server.url)
  const states = statesOf(client)
  const call = rejection(client.callTool('slow'))
  await server.post('tools/call')
  ;(await server.streams.next()).cut()
  const { error } = await states.next(({ state }) => state === 'closed')
  expect(error).toBeInstanceOf(HttpError)
  expect(error).toMatchObject({ status })
  const rejected = (await call) as ClosedError
  expect(rejected).toBeInstanceOf(ClosedError)
  expect(rejected.cause).toBe(error)
  expect(rejected.mayHaveRun).toBe(true)
  const later = await rejection(client.ping())
  expect(later).toBeInstanceOf(ClosedError)
  expect(later.cause).toBe(error)
  expect(later.message).toMatch(`answered ${status}`)
})

test('an endpoint of another origin on reconnect closes the client', async () => {
  const server = await quickServer((_server, stream) => stream.open().endpoint('https://example.com/'))
  const client = await connected(server.url)
  const states = statesOf(client)
  ;(await server.streams.next()).cut()
  expect((await states.next(({ state }) => state === 'closed')).error).toBeInstanceOf(RefusedError)
})

test('a POST whose session is gone begins a new one, once, and is sent again: it cannot have run', async () => {
  const server = (await restarting()).withIds()
  server.answers = { 'tools/call': () => ({ content: [] }) }
  const client = await connected(server.url)
  const states = statesOf(client)
  const gone = await server.streams.next()
  server.onPost = (post) => {
    if (post.request.url === '/messages?sessionId=1')
      return void post.response.writeHead(404).end('no such session')
    server.answer(post)
  }
  await Promise.all([client.callTool('a'), client.callTool('b')])
  await gone.closed
  expect(states.all).toEqual([
    { state: 'reconnecting', error: expect.objectContaining({ status: 404 }) as unknown },
    { state: 'connected', recovered: false },
  ])
  expect((await server.streams.next()).lastEventId).toBeUndefined()
  expect(server.methods.filter((method) => method === 'initialize')).toHaveLength(2)
})

test('a server that knows no session ever fails the call with what it answers', async () => {
  const server = await restarting()
  const client = await connected(server.url)
  server.onPost = (post) => {
    if (post.message.method === 'tools/call')
      return void post.response.writeHead(404).end('never heard of it')
    server.answer(post)
  }
  const error = (await rejection(client.callTool('x'))) as ClientError
  expect(error).toBeInstanceOf(HttpError)
  expect(error.message).toMatch('never heard of it')
  expect(error.mayHaveRun).toBe(false)
})

test('what is too large to be read is not asked for again', async () => {
  const server = (await restarting()).withIds()
  const client = await connected(server.url, { maxMessageLength: 10_000 })
  const states = statesOf(client)
  server.answers = { 'tools/call': () => ({ content: [{ type: 'text', text: 'x'.repeat(20_000) }] }) }
  expect(await rejection(client.callTool('big'))).toBeInstanceOf(ConnectionError)
  const { error } = await states.next(({ state }) => state === 'reconnecting')
  expect(error!.message).toMatch('an event of more than 10000 characters')
  await server.streams.next()
  expect((await server.streams.next()).lastEventId).toBeUndefined()
  await client.ping()
})

test('a stream that is lost while the new session begins is another attempt', async () => {
  let attempts = 0
  const server = await quickServer((server, stream) => {
    server.newSession(stream)
    if (++attempts < 3) server.answers = { initialize: () => void stream.cut() }
    else server.answers = {}
  })
  const client = await connected(server.url)
  const states = statesOf(client)
  ;(await server.streams.next()).cut()
  await states.next(({ state }) => state === 'connected')
  expect(attempts).toBe(3)
  await client.ping()
})

test('a handshake that did not come to its end is not resumed', async () => {
  let attempts = 0
  const server = (
    await quickServer((server, stream) => {
      attempts++
      server.newSession(stream)
      server.answers = attempts === 1 ? { initialize: () => void stream.cut() } : {}
    })
  ).withIds()
  const client = await connected(server.url)
  const states = statesOf(client)
  ;(await server.streams.next()).cut()
  await states.next(({ state }) => state === 'connected')
  expect((await server.streams.next()).lastEventId).toBe('2')
  expect((await server.streams.next()).lastEventId).toBeUndefined()
})

test("the server's requests of a lost session are aborted, and not answered in the next", async () => {
  const server = await restarting()
  const signals = new Inbox<AbortSignal>()
  let answer!: () => void
  const roots = ({ signal }: { signal: AbortSignal }) => {
    signals.push(signal)
    return new Promise<[]>((resolve) => (answer = () => resolve([])))
  }
  const client = await connected(server.url, { handlers: { roots } })
  const states = statesOf(client)
  server.send({ id: 1, method: 'roots/list' })
  const signal = await signals.next()
  ;(await server.streams.next()).cut()
  await states.next(({ state }) => state === 'connected')
  expect(signal.aborted).toBe(true)
  answer()
  await client.ping()
  expect(server.posts.all.some(({ message }) => message.method === undefined)).toBe(false)
})

test('a subscription that the new session refuses is logged, and the rest is restored', async () => {
  const server = await restarting()
  const logger = new Log()
  const client = await connected(server.url, { logger })
  const uris = Array.from({ length: 30 }, (_, i) => `x://${i}`)
  await Promise.all(uris.map((uri) => client.subscribe(uri)))
  server.posts.all.length = 0
  server.answers = {
    'resources/subscribe': ({ uri }: { uri: string }) =>
      uri === 'x://5' ? { error: { code: -32002, message: 'gone' } } : {},
  }
  const states = statesOf(client)
  ;(await server.streams.next()).cut()
  await states.next(({ state }) => state === 'connected')
  const subscribed = server.posts.all.filter(({ message }) => message.method === 'resources/subscribe')
  expect(subscribed.map(({ message }) => (message.params as { uri?: string }).uri).sort()).toEqual(
    uris.sort(),
  )
  expect((await logger.lines.next(({ level }) => level === 'warn')).fields).toMatchObject({ uri: 'x://5' })
  server.answers = {}
  await client.subscribe('x://5')
})

test('closing while reconnecting is closing', async () => {
  const server = await quickServer((_server, stream) => void stream.open())
  const client = await connected(server.url)
  const states = statesOf(client)
  ;(await server.streams.next()).cut()
  const hanging = await server.streams.next()
  const waiting = rejection(client.ping())
  await client.close()
  expect(await waiting).toBeInstanceOf(ClosedError)
  await hanging.closed
  expect(states.all.map(({ state }) => state)).toEqual(['reconnecting', 'closed'])
})
