import { Inbox } from '@tidings/testkit/inbox'
import { rejection } from '@tidings/testkit/rejection'
import {
  type ClientError,
  ConnectionError,
  HttpError,
  ProtocolError,
  SessionGoneError,
} from '../../src/index.ts'
import type { FakeStream } from '../harness/fake-stream.ts'
import { connected, fakeStreamable, statesOf } from '../harness/harness.ts'

const transport = 'streamable-http'
const tool = { name: 'x', inputSchema: { type: 'object' } }

test('the session id and the revision go with everything after initialize', async () => {
  const server = (await fakeStreamable()).withStream()
  server.protocolVersion = '2025-06-18'
  const client = await connected(server.url, { transport })
  await client.ping()
  expect(client.revision).toBe('2025-06-18')
  const [first, ...others] = server.posts.all
  expect(first!.message.method).toBe('initialize')
  expect(first!.header('mcp-session-id')).toBeUndefined()
  expect(first!.header('mcp-protocol-version')).toBeUndefined()
  expect(first!.header('accept')).toBe('application/json, text/event-stream')
  const stream = await server.streams.next()
  expect(stream.request.headers.accept).toBe('text/event-stream')
  expect(others.map(({ message }) => message.method)).toEqual(['notifications/initialized', 'ping'])
  for (const { request } of [...others, stream]) {
    expect(request.headers).toMatchObject({
      'mcp-session-id': 'session-1',
      'mcp-protocol-version': '2025-06-18',
    })
  }
  await client.close()
  const { headers } = await server.deletes.next()
  expect(headers).toMatchObject({ 'mcp-session-id': 'session-1', 'mcp-protocol-version': '2025-06-18' })
  await stream.closed
})

test('a server without sessions works, and has none to end', async () => {
  const server = await fakeStreamable()
  server.sessions = false
  const client = await connected(server.url, { transport })
  await client.ping()
  expect(server.posts.all.some((post) => post.header('mcp-session-id') !== undefined)).toBe(false)
  await client.close()
  expect(server.deletes.all).toEqual([])
})

test.each([400, 401, 403, 404, 405, 406, 410, 501])(
  'a server that answers the GET with %i has no stream, and is not asked again',
  async (status) => {
    const server = await fakeStreamable()
    server.onGet = ({ response }) => response.writeHead(status).end()
    const client = await connected(server.url, { transport })
    const states = statesOf(client)
    await client.ping()
    expect(server.streams.all).toHaveLength(1)
    expect(states.all).toEqual([])
  },
)

test('a server that gives no sign when it opens its stream is not waited for', async () => {
  const server = await fakeStreamable()
  const held = new Inbox<Parameters<typeof server.onGet>[0]>()
  server.onGet = (stream) => held.push(stream)
  const client = await connected(server.url, { transport })
  const heard = new Promise((resolve) => client.on('notifications/tools/list_changed', resolve))
  const stream = await held.next()
  stream.open().message({ method: 'notifications/tools/list_changed' })
  await heard
})

test('a response comes as JSON, or on a stream after what belongs to it', async () => {
  const server = (await fakeStreamable()).hold('tools/call', 'tools/list', 'resources/read')
  const client = await connected(server.url, { transport })
  const logged = new Inbox<unknown>()
  client.on('notifications/message', ({ data }) => logged.push(data))
  const progress: number[] = []
  const call = client.callTool('x', {}, { onProgress: (p) => progress.push(p.progress) })
  const post = await server.post('tools/call')
  const stream = post.stream()
  stream.message({ method: 'notifications/message', params: { level: 'info', data: 'one' } })
  stream.message({
    method: 'notifications/progress',
    params: { progressToken: post.message.id, progress: 1 },
  })
  stream.message({ id: 'another', result: {} })
  stream.message({ id: post.message.id, result: { content: [], over: 'stream' } })
  expect(await call).toMatchObject({ over: 'stream' })
  expect(progress).toEqual([1])
  expect(logged.all).toEqual(['one'])
  // It is closed from here, should the server not do it.
  await post.closed
  server.answers = { 'tools/call': () => ({ content: [], over: 'json' }) }
  expect(await client.callTool('x')).toMatchObject({ over: 'json' })
})

test('the server may ask on the stream of a request, and is answered by a POST', async () => {
  const server = (await fakeStreamable()).hold('tools/call', 'tools/list', 'resources/read')
  const client = await connected(server.url, { transport, handlers: { roots: () => [{ uri: 'file:///a' }] } })
  const call = client.callTool('x')
  const post = await server.post('tools/call')
  const stream = post.stream()
  stream.message({ id: 's1', method: 'roots/list' })
  const answer = await server.posts.next(({ message }) => message.id === 's1')
  expect(answer.message.result).toEqual({ roots: [{ uri: 'file:///a' }] })
  expect(answer.header('mcp-session-id')).toBe('session-1')
  stream.message({ id: post.message.id, result: { content: [] } })
  await call
})

test('what is not a response is a ProtocolError', async () => {
  const server = await fakeStreamable()
  const client = await connected(server.url, { transport })
  server.onPost = (post) => post.accepted()
  expect(await rejection(client.callTool('x'))).toBeInstanceOf(ProtocolError)
  server.onPost = (post) => post.json({ id: 99, result: {} })
  expect(await rejection(client.callTool('x'))).toBeInstanceOf(ProtocolError)
  server.onPost = ({ response }) => response.writeHead(400).end('bad')
  expect(await rejection(client.callTool('x'))).toMatchObject({
    name: 'HttpError',
    status: 400,
    mayHaveRun: false,
  })
})

test('a stream that the server closes early is polled, when and from where the server says', async () => {
  const server = (await fakeStreamable()).hold('tools/call', 'tools/list', 'resources/read')
  const client = await connected(server.url, { transport })
  const call = client.callTool('slow')
  const post = await server.post('tools/call')
  await server.streams.next()
  const polls: number[] = []
  server.onGet = (stream) => {
    polls.push(Date.now())
    stream.open()
    if (polls.length < 3) {
      stream.raw(`id: e${polls.length}\ndata:\n\n`)
      stream.end()
    } else stream.message({ id: post.message.id, result: { content: [], polled: true } }, 'e9')
  }
  const stream = post.stream()
  stream.raw('id: e0\nretry: 300\ndata:\n\n')
  const closedAt = Date.now()
  stream.end()
  expect(await call).toMatchObject({ polled: true })
  const gets = server.streams.all.slice(1)
  expect(gets.map(({ lastEventId }) => lastEventId)).toEqual(['e0', 'e1', 'e2'])
  expect(gets[0]!.request.headers['mcp-session-id']).toBe('session-1')
  // As long as each brings something, they do not get slower.
  expect(polls[0]! - closedAt).toBeGreaterThanOrEqual(295)
  expect(polls[2]! - closedAt).toBeLessThan(1_600)
})

test('what a stream brings twice when it is resumed is given once; each stream has its own ids', async () => {
  const server = (await fakeStreamable()).withStream().hold('tools/call', 'tools/list')
  const client = await connected(server.url, { transport })
  const heard: unknown[] = []
  client.on('notifications/message', ({ data }) => heard.push(data))
  const call = client.callTool('slow')
  const post = await server.post('tools/call')
  const standalone = await server.streams.next()
  const stream = post.stream()
  stream.raw('retry: 100\n\n')
  stream.message(log('a'), '1')
  stream.message(log('b'), '2')
  standalone.message(log('elsewhere'), '1')
  stream.end()
  server.onGet = (resumed) => {
    resumed.open()
    resumed.message(log('b'), '2')
    resumed.message(log('c'), '3')
    resumed.message({ id: post.message.id, result: { content: [] } }, '4')
  }
  await call
  expect((await server.streams.next()).lastEventId).toBe('2')
  expect(heard.filter((data) => data !== 'elsewhere')).toEqual(['a', 'b', 'c'])
})

test('a stream that breaks off and cannot be resumed: the request is lost, and may have run', async () => {
  const server = (await fakeStreamable()).hold('tools/call', 'tools/list', 'resources/read')
  const client = await connected(server.url, { transport })
  const call = rejection(client.callTool('slow'))
  ;(await server.post('tools/call')).stream().end()
  const error = (await call) as ClientError
  expect(error).toBeInstanceOf(ConnectionError)
  expect(error.mayHaveRun).toBe(true)
  const resumed = rejection(client.callTool('slow'))
  const stream = (await server.post('tools/call')).stream()
  stream.raw('id: 1\nretry: 100\ndata:\n\n')
  stream.end()
  const refused = (await resumed) as ClientError
  expect(refused).toBeInstanceOf(ConnectionError)
  expect(refused.mayHaveRun).toBe(true)
  expect((refused.cause as HttpError).status).toBe(405)
})

test('a request that is safe to repeat is repeated when its stream breaks off', async () => {
  const server = (await fakeStreamable()).hold('tools/call', 'tools/list', 'resources/read')
  const client = await connected(server.url, { transport })
  const read = client.readResource('x://1')
  ;(await server.post('resources/read')).stream().end()
  const again = await server.post('resources/read')
  again.result({ contents: [] })
  expect(await read).toEqual({ contents: [] })
  const failing = rejection(client.listTools())
  for (let i = 0; i < 2; i++) (await server.post('tools/list')).stream().end()
  expect(await failing).toBeInstanceOf(ConnectionError)
})

test('a cancelled call is cancelled by a notification', async () => {
  const server = (await fakeStreamable()).hold('tools/call', 'tools/list', 'resources/read')
  const client = await connected(server.url, { transport })
  const abort = new AbortController()
  const call = rejection(client.callTool('slow', {}, { signal: abort.signal }))
  const post = await server.post('tools/call')
  abort.abort(new Error('enough'))
  expect((await call).message).toBe('enough')
  const { message } = await server.post('notifications/cancelled')
  expect(message.params).toEqual({ requestId: post.message.id, reason: 'enough' })
})

test('a stream that is lost is resumed; a server that says so has lost nothing', async () => {
  const server = (await fakeStreamable()).withStream()
  const client = await connected(server.url, { transport })
  const states = statesOf(client)
  const before = await server.streams.next()
  before.raw('id: 7\ndata:\n\n')
  before.message({ method: 'notifications/tools/list_changed' }, '8')
  await new Promise((resolve) => client.on('notifications/tools/list_changed', resolve))
  server.onGet = (stream) => {
    server.newest = stream.open({ 'tidings-recovered': 'true' })
  }
  before.cut()
  const after = await server.streams.next()
  expect(after.lastEventId).toBe('8')
  expect(after.request.headers['mcp-session-id']).toBe('session-1')
  expect(await states.next(({ state }) => state === 'connected')).toEqual({
    state: 'connected',
    recovered: true,
  })
  expect(server.methods.filter((method) => method === 'initialize')).toHaveLength(1)
})

test('a server that does not say so may have lost something: the session goes on, and what is watched is read', async () => {
  const server = (await fakeStreamable()).withStream()
  let n = 0
  server.answers = { 'resources/read': () => ({ contents: [{ uri: 'x://1', text: String(++n) }] }) }
  const client = await connected(server.url, { transport })
  const states = statesOf(client)
  const watch = client.watch('x://1')
  await watch.next()
  const next = watch.next()
  const before = await server.streams.next()
  before.raw('id: 7\ndata:\n\n')
  before.cut()
  expect(await states.next(({ state }) => state === 'connected')).toEqual({
    state: 'connected',
    recovered: false,
  })
  expect((await next).value).toEqual({ contents: [{ uri: 'x://1', text: '2' }] })
  expect(server.methods.filter((method) => method === 'initialize')).toHaveLength(1)
  expect(server.methods.filter((method) => method === 'resources/subscribe')).toHaveLength(2)
})

test('what was missed is not forgotten when it takes another attempt', async () => {
  const server = (await fakeStreamable()).withStream()
  server.answers = { 'resources/read': () => ({ contents: [] }) }
  const client = await connected(server.url, { transport })
  const states = statesOf(client)
  const watch = client.watch('x://1')
  await watch.next()
  const next = watch.next()
  const before = await server.streams.next()
  before.raw('id: 7\ndata:\n\n')
  server.hold('resources/subscribe')
  const posts = server.posts.all.length
  before.cut()
  // The stream is there again, but is lost before all is as it was; the next one has lost nothing.
  const between = await server.streams.next()
  await server.posts.next((post) => server.posts.all.indexOf(post) >= posts)
  delete server.answers['resources/subscribe']
  server.onGet = (stream) => void stream.open({ 'tidings-recovered': 'true' })
  between.cut()
  expect(await states.next(({ state }) => state === 'connected')).toEqual({
    state: 'connected',
    recovered: false,
  })
  await next
})

test('the server is answered while the stream is lost', async () => {
  const server = (await fakeStreamable()).withStream().hold('tools/call')
  const client = await connected(server.url, { transport, handlers: { roots: () => [] } })
  const states = statesOf(client)
  server.onGet = ({ response }) => response.writeHead(503, { 'retry-after': '3600' }).end()
  ;(await server.streams.next()).cut()
  await states.next(({ error }) => error instanceof HttpError)
  const abort = new AbortController()
  const call = rejection(client.callTool('x', {}, { signal: abort.signal }))
  const stream = (await server.post('tools/call')).stream()
  stream.message({ id: 's1', method: 'roots/list' })
  await server.posts.next(({ message }) => message.id === 's1')
  abort.abort(new Error('enough'))
  await call
  await server.post('notifications/cancelled')
})

test('calls do not wait for the stream, which they do not need', async () => {
  const server = (await fakeStreamable()).withStream()
  const client = await connected(server.url, { transport })
  const states = statesOf(client)
  server.onGet = ({ response }) => response.writeHead(503, { 'retry-after': '3600' }).end()
  ;(await server.streams.next()).cut()
  await server.streams.next()
  await states.next(({ error }) => error instanceof HttpError)
  await client.ping()
  expect(client.state).toBe('reconnecting')
})

test('a session that is gone is replaced once, for all who find out', async () => {
  const server = (await fakeStreamable()).withStream()
  server.answers = {
    'tools/call': () => ({ content: [] }),
    'resources/read': () => ({ contents: [] }),
  }
  const client = await connected(server.url, { transport })
  const states = statesOf(client)
  await client.setLogLevel('error')
  const watch = client.watch('x://1')
  await watch.next()
  const next = watch.next()
  const posts = server.posts.all.length
  server.forget()
  await Promise.all([client.callTool('a'), client.callTool('b'), client.ping(), next])
  expect(server.begun).toBe(2)
  expect(await states.next(({ state }) => state === 'connected')).toEqual({
    state: 'connected',
    recovered: false,
  })
  const after = server.posts.all.slice(posts).filter((post) => post.header('mcp-session-id') !== 'session-1')
  expect(after.slice(0, 4).map(({ message }) => message.method)).toEqual([
    'initialize',
    'notifications/initialized',
    'resources/subscribe',
    'logging/setLevel',
  ])
  expect(after[0]!.header('mcp-protocol-version')).toBeUndefined()
  expect(after[1]!.header('mcp-session-id')).toBe('session-2')
})

test('requests in flight are lost with their session, and the safe ones made again', async () => {
  const server = (await fakeStreamable()).withStream().hold('tools/call', 'tools/list')
  const client = await connected(server.url, { transport })
  const call = rejection(client.callTool('slow'))
  const list = client.listTools()
  await server.post('tools/call')
  ;(await server.post('tools/list')).stream()
  server.forget()
  ;(await server.streams.next()).cut()
  const error = (await call) as ClientError
  expect(error).toBeInstanceOf(ConnectionError)
  expect(error.message).toMatch('session was lost')
  expect(error.mayHaveRun).toBe(true)
  const again = await server.post('tools/list')
  expect(again.header('mcp-session-id')).toBe('session-2')
  again.result({ tools: [tool] })
  expect(await list).toEqual([tool])
})

test('a server that knows no session at all is not asked without end', async () => {
  const server = await fakeStreamable()
  const client = await connected(server.url, { transport })
  server.onPost = (post) =>
    /initialized?$/.test(post.message.method!) ? server.answer(post) : void post.response.writeHead(404).end()
  expect(await rejection(client.callTool('x'))).toBeInstanceOf(SessionGoneError)
})

test('without a stream, a server that is away is seen by what cannot be sent, and found again', async () => {
  const server = await fakeStreamable()
  server.answers = { 'tools/call': () => ({ content: [] }), 'tools/list': () => ({ tools: [] }) }
  const client = await connected(server.url, { transport })
  const states = statesOf(client)
  server.onPost = (post) => post.cut()
  const list = client.listTools()
  expect((await states.next(({ state }) => state === 'reconnecting')).error).toBeInstanceOf(ConnectionError)
  server.onPost = (post) => server.answer(post)
  expect(await list).toEqual([])
  expect(await states.next(({ state }) => state === 'connected')).toEqual({
    state: 'connected',
    recovered: true,
  })
  expect(server.begun).toBe(1)
})

test('without a stream, a session that is gone meanwhile is replaced', async () => {
  const server = await fakeStreamable()
  server.answers = { 'tools/list': () => ({ tools: [] }) }
  const client = await connected(server.url, { transport })
  const states = statesOf(client)
  server.onPost = (post) => post.cut()
  const list = client.listTools()
  await states.next(({ state }) => state === 'reconnecting')
  server.forget()
  server.onPost = (post) => server.answer(post)
  expect(await list).toEqual([])
  expect(await states.next(({ state }) => state === 'connected')).toEqual({
    state: 'connected',
    recovered: false,
  })
  expect(server.begun).toBe(2)
})

/** A client whose stream of the session was cut after the event `7`, and a server that resumes it without a sign. */
async function resumedWithoutASign(beside: (stream: FakeStream) => unknown) {
  const server = (await fakeStreamable()).withStream()
  const client = await connected(server.url, { transport })
  const states = statesOf(client)
  const heard = new Inbox<unknown>()
  client.on('notifications/message', ({ data }) => heard.push(data))
  const first = await server.streams.next()
  first.message(log('first'), '7')
  await heard.next()
  server.onGet = (stream) => (stream.lastEventId === undefined ? beside(stream) : stream.open())
  first.cut()
  const resumed = await server.streams.next(({ lastEventId }) => lastEventId === '7')
  return { server, client, states, heard, resumed }
}

const log = (data: string) => ({ method: 'notifications/message', params: { level: 'info', data } })

test('a resumed stream may bring nothing new: another is opened beside it, and both are heard, each event once', async () => {
  const { server, client, states, heard, resumed } = await resumedWithoutASign((stream) => stream.open())
  const beside = await server.streams.next()
  expect(beside.lastEventId).toBeUndefined()
  expect(await states.next(({ state }) => state === 'connected')).toMatchObject({ recovered: false })
  resumed.message(log('missed'), '8')
  expect(await heard.next()).toBe('missed')
  beside.message(log('missed'), '8')
  beside.message(log('new'), '9')
  expect(await heard.next()).toBe('new')
  resumed.message(log('new'), '9')
  resumed.message(log('last'), '10')
  expect(await heard.next()).toBe('last')
  // What was resumed may end when it likes.
  resumed.end()
  await resumed.closed
  beside.message(log('after'), '11')
  expect(await heard.next()).toBe('after')
  expect(client.state).toBe('connected')
  beside.cut()
  expect(await states.next(({ state }) => state === 'connected')).toMatchObject({ recovered: false })
  expect((await server.streams.next()).lastEventId).toBe('11')
  expect(heard.all).toEqual(['first', 'missed', 'new', 'last', 'after'])
})

test.each([409, 405, 400])(
  'a server that opens no other stream (%i) goes on with the resumed one',
  async (status) => {
    const refuse = (stream: FakeStream) => stream.response.writeHead(status).end()
    const { server, client, states, heard, resumed } = await resumedWithoutASign(refuse)
    await states.next(({ state }) => state === 'connected')
    resumed.message(log('new'), '8')
    expect(await heard.next()).toBe('new')
    expect(client.state).toBe('connected')
    resumed.cut()
    await states.next(({ state }) => state === 'connected')
    expect(await server.streams.next(({ lastEventId }) => lastEventId === '8')).toBeDefined()
  },
)

test('a resumed stream that ends once it has brought what was missed has done what it was for', async () => {
  const held = new Inbox<FakeStream>()
  const { server, client, states, heard, resumed } = await resumedWithoutASign((stream) => held.push(stream))
  const beside = await held.next()
  resumed.message(log('missed'), '8')
  resumed.end()
  await resumed.closed
  beside.open().message(log('new'), '9')
  await states.next(({ state }) => state === 'connected')
  expect([await heard.next(), await heard.next()]).toEqual(['missed', 'new'])
  expect(client.state).toBe('connected')
  expect(server.streams.all).toHaveLength(3)
})

test('with neither a resumed stream nor another, the connection is lost', async () => {
  const held = new Inbox<FakeStream>()
  const { server, states, resumed } = await resumedWithoutASign((stream) => held.push(stream))
  const beside = await held.next()
  resumed.end()
  await resumed.closed
  beside.response.writeHead(409).end()
  expect((await states.next(({ error }) => /resumed/.test(error?.message ?? ''))).state).toBe('reconnecting')
  server.onGet = (stream) => void stream.open({ 'tidings-recovered': 'true' })
  await states.next(({ state }) => state === 'connected')
})

test('a server that gives no sign of the other stream is not waited for', async () => {
  const held = new Inbox<FakeStream>()
  const { client, states, heard, resumed } = await resumedWithoutASign((stream) => held.push(stream))
  const beside = await held.next()
  await states.next(({ state }) => state === 'connected')
  resumed.message(log('old'), '8')
  expect(await heard.next()).toBe('old')
  beside.open().message(log('new'), '9')
  expect(await heard.next()).toBe('new')
  await client.close()
  await Promise.all([beside.closed, resumed.closed])
})
