import { Inbox } from '@tidings/testkit/inbox'
import { rejection } from '@tidings/testkit/rejection'
import type { ConnectOptions } from '../../src/index.ts'
import { type ClientError, ConnectionError, HttpError, McpError, ProtocolError } from '../../src/index.ts'
import type { FakeHttpSse } from '../harness/fake-http-sse.ts'
import { connected, fakePaired, statesOf } from '../harness/harness.ts'

const paired = (server: FakeHttpSse, options?: ConnectOptions) =>
  connected(server.url, { ...options, transport: 'paired' })

test('stream and messages are paired by a secret of the client', async () => {
  const server = await fakePaired()
  const client = await paired(server)
  const get = new URL((await server.streams.next()).request.url!, server.url)
  const post = new URL((await server.post('initialize')).request.url!, server.url)
  expect(get.pathname).toBe('/sse')
  expect(post.pathname).toBe('/mcp')
  expect(post.search).toBe(get.search)
  expect(get.searchParams.get('client_id')).toMatch(/^[0-9a-f]{32}$/)
  expect(client.transport).toBe('paired')
  const other = await paired(server)
  expect((await server.streams.next()).request.url).not.toBe(get.pathname + get.search)
  await Promise.all([client.ping(), other.ping()])
})

test('messages go to the sibling of the stream, with its query', async () => {
  const server = await fakePaired()
  await connected(`${server.origin}/api/events?tenant=7`, { transport: 'paired' })
  const { request } = await server.post('initialize')
  expect(request.url).toMatch(/^\/api\/mcp\?tenant=7&client_id=/)
})

test('the HTTP response is the response, be it a result or an error', async () => {
  const server = await fakePaired()
  const client = await paired(server)
  server.answers = { 'tools/call': () => ({ content: [] }) }
  expect(await client.callTool('x')).toEqual({ content: [] })
  server.answers = { 'tools/call': () => ({ error: { code: 5, message: 'no' } }) }
  expect(await rejection(client.callTool('x'))).toBeInstanceOf(McpError)
})

test("the stream brings notifications and the server's requests, which are answered by POST", async () => {
  const server = await fakePaired()
  const client = await paired(server, { handlers: { roots: () => [{ uri: 'file:///x' }] } })
  const heard = new Inbox<unknown>()
  client.on('notifications/resources/updated', (params) => heard.push(params))
  server.send({ method: 'notifications/resources/updated', params: { uri: 'x://1' } })
  expect(await heard.next()).toEqual({ uri: 'x://1' })
  server.send({ id: 3, method: 'roots/list' })
  const { message } = await server.posts.next(({ message }) => message.id === 3 && !message.method)
  expect(message.result).toEqual({ roots: [{ uri: 'file:///x' }] })
})

test('a response on the stream is nobody‘s', async () => {
  const server = await fakePaired()
  const client = await paired(server)
  server.send({ id: 1, result: {} })
  await client.ping()
})

test.each([
  ['another request’s response', { jsonrpc: '2.0', id: 999, result: {} }],
  ['a request', { jsonrpc: '2.0', id: 1, method: 'ping' }],
])('%s in the HTTP response is a ProtocolError', async (_what, body) => {
  const server = await fakePaired()
  const client = await paired(server)
  server.onPost = ({ response }) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  expect(await rejection(client.ping())).toBeInstanceOf(ProtocolError)
})

test.each([
  ['a web page', 'text/html', '<html>'],
  ['no JSON', 'application/json', '{'],
  ['no message', 'application/json', '[]'],
  ['nothing', 'application/json', ''],
  ['too much', 'application/json', ' '.repeat(20_000)],
])('%s in the HTTP response is a ProtocolError', async (_what, type, body) => {
  const server = await fakePaired()
  const client = await paired(server, { maxMessageLength: 10_000 })
  server.onPost = ({ response }) => response.writeHead(200, { 'content-type': type }).end(body)
  const error = (await rejection(client.ping())) as ClientError
  expect(error).toBeInstanceOf(ProtocolError)
  expect(error.mayHaveRun).toBe(true)
})

test('a response that breaks off is a ConnectionError', async () => {
  const server = await fakePaired()
  const client = await paired(server)
  server.onPost = ({ response }) => {
    response.writeHead(200, { 'content-type': 'application/json' }).write('{"jsonrpc"')
    response.socket!.end()
  }
  expect(await rejection(client.ping())).toBeInstanceOf(ConnectionError)
})

test('an HTTP error is an HttpError of that call', async () => {
  const server = await fakePaired()
  const client = await paired(server)
  server.onPost = ({ response }) => response.writeHead(413).end('too large')
  expect(await rejection(client.ping())).toMatchObject({ name: 'HttpError', status: 413 })
  expect(client.state).toBe('connected')
})

test('a call can be given up while its response is on the way', async () => {
  const server = await fakePaired()
  const client = await paired(server)
  server.onPost = ({ response, message }) => {
    if (message.method !== 'tools/call') return void response.writeHead(202).end()
    response.writeHead(200, { 'content-type': 'application/json' }).write('{')
  }
  const abort = new AbortController()
  const call = rejection(client.callTool('x', {}, { signal: abort.signal }))
  await server.post('tools/call')
  const reason = new Error('enough')
  abort.abort(reason)
  expect(await call).toBe(reason)
  await server.post('notifications/cancelled')
})

test('a dropped stream is resumed, and calls in flight do not notice', async () => {
  const server = await fakePaired()
  const client = await paired(server)
  const states = statesOf(client)
  const before = await server.streams.next()
  server.send({ method: 'notifications/tools/list_changed' })
  await client.ping()
  const answer = server.onPost
  let late!: () => void
  server.onPost = (post) => (late = () => answer(post))
  const call = client.ping()
  await server.post('ping')
  await server.post('ping')
  before.cut()
  expect((await server.streams.next()).lastEventId).toBe('id')
  expect(await states.next(({ state }) => state === 'connected')).toEqual({
    state: 'connected',
    recovered: true,
  })
  late()
  await call
})

test('a session that is gone is begun anew, and the call is made again', async () => {
  const server = await fakePaired()
  const client = await paired(server)
  const states = statesOf(client)
  const answer = server.onPost
  server.onPost = (post) => {
    if (post.message.method !== 'ping') return answer(post)
    server.onPost = answer
    post.response.writeHead(404).end()
  }
  await client.ping()
  expect(states.all.map(({ state, recovered }) => [state, recovered])).toEqual([
    ['reconnecting', undefined],
    ['connected', false],
  ])
  expect(states.all[0]!.error).toBeInstanceOf(HttpError)
  expect(server.methods.filter((method) => method === 'initialize')).toHaveLength(2)
})

test('closing ends the session', async () => {
  const server = await fakePaired()
  const client = await paired(server)
  await client.close()
  expect((await server.deletes.next()).url).toBe((await server.post('initialize')).request.url)
  await (
    await server.streams.next()
  ).closed
})
