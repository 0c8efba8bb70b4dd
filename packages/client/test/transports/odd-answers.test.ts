import { rejection } from '@tidings/testkit/rejection'
import { until } from '@tidings/testkit/until'
import { Log } from '@tidings/testkit/log'
import { connect, HttpError, McpError } from '../../src/index.ts'
import type { FakeEndpoint, FakePost } from '../harness/fake-endpoint.ts'
import { connected, fakeStreamable } from '../harness/harness.ts'
import { legacyTransports, onTransport, sendTo, transports } from '../harness/transports.ts'

// The transports whose HTTP response brings the response.
const byResponse = ['paired', 'streamable-http', 'stateless'] as const
const result = { resultType: 'complete', content: [] }
const responseTo = ({ message }: FakePost, more: object = { result }) => ({
  jsonrpc: '2.0',
  id: message.id,
  ...more,
})

/** Has the calls of tools answered by the test, and everything else as ever. */
function onCall(server: FakeEndpoint, answer: (post: FakePost) => unknown): void {
  const { onPost } = server
  server.onPost = (post) => (post.message.method === 'tools/call' ? void answer(post) : onPost(post))
}

const calls = (server: FakeEndpoint) => server.methods.filter((method) => method === 'tools/call').length

const types = [
  undefined,
  'text/plain',
  'text/json',
  'application/json-rpc',
  'application/vnd.api+json',
  'Application/JSON;charset=utf-8',
]

test.each(byResponse.flatMap((transport) => types.map((type) => [transport, type] as const)))(
  '%s: JSON is a response whatever its type is (%s)',
  async (transport, type) => {
    const { server, client } = await onTransport(transport)
    onCall(server, (post) => {
      post.response.writeHead(200, type ? { 'content-type': type } : {})
      post.response.end(JSON.stringify(responseTo(post)))
    })
    expect(await client.callTool('x')).toMatchObject({ content: [] })
  },
)

test.each(byResponse)(
  '%s: a response may come as a batch of one, or with what precedes it',
  async (transport) => {
    const { server, client } = await onTransport(transport)
    const progress: number[] = []
    onCall(server, (post) => {
      const { id } = post.message
      const before = { method: 'notifications/progress', params: { progressToken: id, progress: 1 } }
      post.response.writeHead(200, { 'content-type': 'application/json' })
      post.response.end(JSON.stringify([{ jsonrpc: '2.0', ...before }, responseTo(post)]))
    })
    await client.callTool('x', {}, { onProgress: (params) => progress.push(params.progress) })
    expect(progress).toEqual([1])
    const { client: other, server: one } = await onTransport(transport)
    onCall(one, (post) => post.response.end(JSON.stringify([responseTo(post)])))
    expect(await other.callTool('x')).toMatchObject({ content: [] })
  },
)

test.each(transports)('%s: a response may have its id as a string', async (transport) => {
  const { server, client } = await onTransport(transport)
  onCall(server, (post) => {
    const id = String(post.message.id)
    if (transport !== 'http+sse') return post.json({ id, result })
    post.accepted()
    sendTo(server, { id, result })
  })
  expect(await client.callTool('x')).toMatchObject({ content: [] })
  if (transport === 'http+sse' || transport === 'paired') return
  onCall(server, (post) => post.stream().message({ id: String(post.message.id), result }))
  expect(await client.callTool('x')).toMatchObject({ content: [] })
})

test.each(byResponse)(
  '%s: JSON in a body that does not end is taken when nothing follows',
  async (transport) => {
    const { server, client } = await onTransport(transport)
    let closed: Promise<unknown> | undefined
    onCall(server, (post) => {
      closed = post.closed
      post.response.writeHead(200, { 'content-type': 'application/json' })
      post.response.write(JSON.stringify(responseTo(post)))
    })
    expect(await client.callTool('x')).toMatchObject({ content: [] })
    await closed
  },
)

test('JSON that comes in pieces, with pauses, is not taken before its end', async () => {
  const { server, client } = await onTransport('streamable-http')
  onCall(server, (post) => {
    const text = JSON.stringify(responseTo(post, { result: { content: [], number: 12 } }))
    post.response.writeHead(200, { 'content-type': 'application/json' })
    post.response.write(text.slice(0, 40))
    setTimeout(() => post.response.end(text.slice(40)), 1_500)
  })
  expect(await client.callTool('x')).toEqual({ content: [], number: 12 })
})

test.each(transports)('%s: an error page that does not end is cut short', async (transport) => {
  const { server, client } = await onTransport(transport)
  onCall(server, ({ response }) => response.writeHead(500).write('in trouble'))
  expect(await rejection(client.callTool('x'))).toMatchObject({ status: 500, body: 'in trouble' })
})

test.each(legacyTransports)('%s: the stream in answer to a notification need not end', async (transport) => {
  const server = await fakeStreamable()
  if (transport !== 'streamable-http') {
    const { server, client } = await onTransport(transport)
    const { onPost } = server
    server.onPost = (post) =>
      post.message.method?.startsWith('notifications/') ? void post.stream() : onPost(post)
    await client.notify('notifications/roots/list_changed')
    return
  }
  server.onPost = (post) =>
    post.message.id === undefined ? void post.stream().raw(': x\n\n') : server.answer(post)
  const beganAt = performance.now()
  const client = await connected(server.url, { transport })
  await client.ping()
  expect(performance.now() - beganAt).toBeLessThan(900)
})

const underStatus = transports.flatMap((transport) =>
  [400, 404, 405, 406, 409, 410, 422, 500, 501].map((status) => [transport, status] as const),
)

test.each(underStatus)(
  '%s: a JSON-RPC error under %i is that error, and nothing else is lost',
  async (transport, status) => {
    const { server, client } = await onTransport(transport)
    let slow: FakePost | undefined
    onCall(server, (post) => {
      if (post.message.params.name === 'slow') slow = post
      else post.error(-32602, { status, data: { litres: -2 } })
    })
    const other = client.callTool('slow')
    await server.post('tools/call')
    const error = await rejection(client.callTool('x'))
    expect(error).toBeInstanceOf(McpError)
    expect(error).toMatchObject({ code: -32602, message: 'error -32602', data: { litres: -2 } })
    expect(calls(server)).toBe(2)
    if (transport === 'http+sse') sendTo(server, { id: slow!.message.id, result })
    else slow!.json({ result })
    await other
    expect(client.state).toBe('connected')
  },
)

test.each(
  transports.flatMap((transport) => [401, 403, 429, 503].map((status) => [transport, status] as const)),
)(
  '%s: %i says who may ask and when: it is an HttpError whatever the body says',
  async (transport, status) => {
    const { server, client } = await onTransport(transport)
    onCall(server, (post) => post.error(-32001, { status }))
    const error = await rejection(client.callTool('x'))
    expect(error).toBeInstanceOf(HttpError)
    expect(error).toMatchObject({ status })
    expect(calls(server)).toBe(1)
  },
)

// How servers say that they do not know a session.
const gone: [string, (post: FakePost) => void][] = [
  ['404', ({ response }) => response.writeHead(404).end()],
  [
    '404 with an error without an id',
    (post) => post.json({ id: null, error: { code: -32001, message: 'Session not found' } }, { status: 404 }),
  ],
  [
    '404 with an error with our id',
    (post) => post.json({ error: { code: -32001, message: 'Session not found' } }, { status: 404 }),
  ],
  ['410', ({ response }) => response.writeHead(410).end()],
  [
    '400 in words',
    ({ response }) => response.writeHead(400).end('Bad Request: No valid session ID provided'),
  ],
  [
    '400 with an error',
    (post) =>
      post.json(
        { id: null, error: { code: -32000, message: 'Bad Request: Session expired' } },
        { status: 400 },
      ),
  ],
  ['401 in words', ({ response }) => response.writeHead(401).end('{"error":"Unknown session"}')],
  ['403 in words', ({ response }) => response.writeHead(403).end('invalid session')],
  ['200 with -32600', (post) => post.json({ error: { code: -32600, message: 'Session terminated' } })],
  ['200 with -32001', (post) => post.json({ error: { code: -32001, message: 'Session not found' } })],
]

test.each(gone)('streamable-http: a session that is gone, said by %s, is begun again', async (_what, say) => {
  const server = (await fakeStreamable()).withStream()
  server.answers = { 'tools/call': () => ({ content: [] }) }
  const client = await connected(server.url, { transport: 'streamable-http' })
  server.forget()
  server.onPost = (post) => (server.isGone(post.header('mcp-session-id')) ? say(post) : server.answer(post))
  expect(await client.callTool('x')).toEqual({ content: [] })
  expect(server.begun).toBe(2)
  expect(calls(server)).toBe(2)
})

test.each(['http+sse', 'paired'] as const)(
  '%s: so it is where the server says 410, or 400 in words',
  async (transport) => {
    const { server, client } = await onTransport(transport)
    const { onPost } = server
    const ways: ((post: FakePost) => void)[] = [
      ({ response }) => response.writeHead(410).end(),
      ({ response }) => response.writeHead(400).end('No transport found for sessionId'),
    ]
    for (const say of ways) {
      let left = 1
      server.onPost = (post) => (left-- > 0 ? say(post) : onPost(post))
      await client.ping()
    }
    expect(server.methods.filter((method) => method === 'initialize')).toHaveLength(3)
  },
  15_000,
)

test('an error about a session that is not ours costs a ping, and no session', async () => {
  const server = await fakeStreamable()
  const client = await connected(server.url, { transport: 'streamable-http' })
  const answers: [(post: FakePost) => void, object][] = [
    [
      (post) => post.json({ error: { code: -32600, message: 'Your session has expired: log in' } }),
      { code: -32600 },
    ],
    [({ response }) => response.writeHead(401).end('Your session has expired'), { status: 401 }],
    [({ response }) => response.writeHead(400).end('no such session of chess'), { status: 400 }],
  ]
  for (const [answer, error] of answers) {
    server.onPost = (post) => (post.message.method === 'tools/call' ? answer(post) : server.answer(post))
    expect(await rejection(client.callTool('x'))).toMatchObject(error)
  }
  expect(server.begun).toBe(1)
  expect(calls(server)).toBe(3)
  expect(client.state).toBe('connected')
})

test('a tool that ends the session is not called twice', async () => {
  const server = await fakeStreamable()
  const client = await connected(server.url, { transport: 'streamable-http' })
  server.onPost = (post) => {
    if (server.isGone(post.header('mcp-session-id')))
      return post.json({ error: { code: -32600, message: 'Session terminated' } })
    if (post.message.method !== 'tools/call') return server.answer(post)
    server.forget()
    post.json({ error: { code: -32603, message: 'logged out: the session is closed' } })
  }
  expect(await rejection(client.callTool('logout'))).toMatchObject({ code: -32603 })
  await client.ping()
  expect(server.begun).toBe(2)
  expect(calls(server)).toBe(1)
})

test('a server that knows no session, and says so by 200, is not asked without end', async () => {
  const server = await fakeStreamable()
  const client = await connected(server.url, { transport: 'streamable-http' })
  server.onPost = (post) =>
    /initialized?$/.test(post.message.method!)
      ? server.answer(post)
      : post.json({ error: { code: -32600, message: 'Session terminated' } })
  expect(await rejection(client.callTool('x'))).toMatchObject({ name: 'SessionGoneError' })
  expect(calls(server)).toBe(2)
})

test('when a new session is refused with 401, the client is closed', async () => {
  const server = (await fakeStreamable()).withStream()
  const client = await connected(server.url, { transport: 'streamable-http' })
  server.forget()
  server.onPost = ({ response }) => response.writeHead(401).end('no session')
  expect(await rejection(client.callTool('x'))).toMatchObject({ name: 'ClosedError', cause: { status: 401 } })
  expect(client.state).toBe('closed')
})

test.each([500, 502, 503, 504, 429])(
  'a server that answers the GET with %i is connected to, and asked again a few times',
  async (status) => {
    const logger = new Log()
    const server = await fakeStreamable()
    const contents = [{ uri: 'x://1', text: 'one' }]
    server.answers = { 'resources/read': () => ({ contents }) }
    server.onGet = ({ response }) => response.writeHead(status).end()
    const client = await connected(server.url, { transport: 'streamable-http', logger })
    expect(logger.of('warn').map(({ message }) => message)).toEqual([
      'the server opens no stream for the session: changes are not heard',
    ])
    expect(server.streams.all).toHaveLength(1)
    const watch = client.watch('x://1')
    expect((await watch.next()).value).toEqual({ contents })
    // Once the stream can be opened, what was missed is read.
    server.withStream()
    contents[0]!.text = 'two'
    expect((await watch.next()).value).toEqual({ contents: [{ uri: 'x://1', text: 'two' }] })
    expect(server.begun).toBe(1)
    expect(client.state).toBe('connected')
    server.newest!.message({ method: 'notifications/resources/updated', params: { uri: 'x://1' } })
    await watch.next()
  },
  15_000,
)

test('a stream that is refused with 401 after a loss ends no session that goes on', async () => {
  const server = (await fakeStreamable()).withStream()
  server.answers = { 'tools/call': () => ({ content: [] }) }
  const client = await connected(server.url, { transport: 'streamable-http' })
  server.onGet = ({ response }) => response.writeHead(401).end()
  const { request } = await server.streams.next()
  request.socket.destroy()
  await server.streams.next()
  await until(() => client.state === 'connected', 'the connection')
  expect(await client.callTool('x')).toEqual({ content: [] })
  expect(server.begun).toBe(1)
})

test('a stream whose head comes with its first event only is kept after a loss, and what is watched is read', async () => {
  const server = await fakeStreamable()
  const contents = [{ uri: 'x://1', text: 'one' }]
  server.answers = { 'resources/read': () => ({ contents }) }
  server.onGet = () => {}
  const client = await connected(server.url, { transport: 'streamable-http' })
  const watch = client.watch('x://1')
  await watch.next()
  const first = await server.streams.next()
  first.open().raw('retry: 100\n\n')
  first.cut()
  const second = await server.streams.next()
  contents[0]!.text = 'two'
  expect((await watch.next()).value).toEqual({ contents: [{ uri: 'x://1', text: 'two' }] })
  expect(client.state).toBe('connected')
  expect(server.methods.filter((method) => method === 'ping')).toHaveLength(1)
  // The GET is still there, and brings what happens from here on.
  contents[0]!.text = 'three'
  second.open().message({ method: 'notifications/resources/updated', params: { uri: 'x://1' } })
  expect((await watch.next()).value).toEqual({ contents: [{ uri: 'x://1', text: 'three' }] })
  expect(server.streams.all).toHaveLength(2)
  await client.close()
  await second.closed
}, 15_000)

test('a stream without a head that breaks off is opened again', async () => {
  const server = await fakeStreamable()
  server.onGet = () => {}
  const client = await connected(server.url, { transport: 'streamable-http' })
  for (let i = 0; i < 2; i++) {
    ;(await server.streams.next()).cut()
    await until(() => client.state === 'reconnecting', 'the loss')
    await until(() => client.state === 'connected', 'the connection')
  }
  await client.ping()
  expect(server.begun).toBe(1)
}, 20_000)

test('a session that is gone while its stream has no head is begun again', async () => {
  const server = await fakeStreamable()
  server.onGet = () => {}
  const client = await connected(server.url, { transport: 'streamable-http' })
  server.forget()
  ;(await server.streams.next()).cut()
  await until(() => server.begun === 2 && client.state === 'connected', 'a new session')
  await client.ping()
}, 15_000)

test.each([
  ['localhost:3000/mcp', 'http://localhost:3000/mcp'],
  ['my-server.example:80', 'http://my-server.example:80'],
  ['127.0.0.1:3000/mcp', 'http://127.0.0.1:3000/mcp'],
  ['example.com/mcp', 'http://example.com/mcp'],
])('a URL without a scheme (%s) is refused with one that has it', async (given, meant) => {
  const error = await rejection(connect(given))
  expect(error).toBeInstanceOf(TypeError)
  expect(error.message).toBe(`No URL: ${given}. It must begin with http:// or https://, such as ${meant}`)
})
