import { rejection } from '@tidings/testkit/rejection'
import { connect, HttpError, McpError, ProtocolError, RefusedError } from '../../src/index.ts'
import type { FakePost } from '../harness/fake-endpoint.ts'
import { connected, fakeHttpSse, fakeStateless, fakeStreamable } from '../harness/harness.ts'

test('a modern server is found by the first request', async () => {
  const server = await fakeStateless()
  const client = await connected(server.url)
  expect(client.transport).toBe('stateless')
  expect(client.revision).toBe('2026-07-28')
  expect(client.serverInfo).toEqual({ name: 'fake', version: '1' })
  expect(client.serverCapabilities).toEqual(server.capabilities)
  expect(client.state).toBe('connected')
  expect(server.methods).toEqual(['server/discover'])
  expect(server.streams.all).toEqual([])
})

const refusals: [string, (post: FakePost) => void][] = [
  ['400 without a body', ({ response }) => response.writeHead(400).end()],
  ['400 in words', ({ response }) => response.writeHead(400).end('Bad Request: no session')],
  ['404', ({ response }) => response.writeHead(404).end('Not Found')],
  ['405', ({ response }) => response.writeHead(405).end()],
  ['500', ({ response }) => response.writeHead(500).end('Internal Server Error')],
  ['501', ({ response }) => response.writeHead(501).end()],
  ['an error of its own making', (post) => post.error(-32000)],
  [
    'an error without an id',
    (post) => post.json({ id: null, error: { code: -32000, message: 'no' } }, { status: 400 }),
  ],
  ['an unknown method', (post) => post.error(-32601, { status: 200 })],
  ['invalid params, as servers do that were not initialized', (post) => post.error(-32602, { status: 200 })],
  ['a web page', ({ response }) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')],
]

test.each(refusals)(
  'a server that answers the modern request with %s is initialized',
  async (_what, refuse) => {
    const server = await fakeStreamable()
    server.onPost = (post) => (post.message.method === 'server/discover' ? refuse(post) : server.answer(post))
    const client = await connected(server.url)
    expect(client.transport).toBe('streamable-http')
    expect(client.revision).toBe('2025-11-25')
    expect(server.methods).toEqual(['server/discover', 'initialize', 'notifications/initialized'])
  },
)

test('a server that names legacy revisions is initialized; others are refused', async () => {
  const server = await fakeStreamable()
  let supported = ['2025-06-18', '2025-11-25']
  server.onPost = (post) => {
    if (post.message.method !== 'server/discover') return server.answer(post)
    post.error(-32022, { data: { supported, requested: '2026-07-28' } })
  }
  expect((await connected(server.url)).transport).toBe('streamable-http')
  supported = ['2031-01-01']
  const error = await rejection(connect(`${server.url}/other`))
  expect(error).toBeInstanceOf(RefusedError)
  expect(error.message).toBe('The server speaks revision 2031-01-01; this client speaks 2026-07-28')
  expect(server.methods.filter((method) => method === 'initialize')).toHaveLength(1)
})

test('the revision is tried again when the server says after all that it speaks it', async () => {
  const server = await fakeStateless()
  let first = true
  server.onPost = (post) => {
    if (!first) return server.answer(post)
    first = false
    post.error(-32022, { data: { supported: ['2026-07-28'], requested: 'something' } })
  }
  expect((await connected(server.url)).transport).toBe('stateless')
  expect(server.methods).toEqual(['server/discover', 'server/discover'])
})

test('a server that goes on saying that it speaks what it refuses is refused', async () => {
  const server = await fakeStateless()
  server.onPost = (post) => post.error(-32022, { data: { supported: ['2026-07-28'] } })
  expect(await rejection(connect(server.url))).toBeInstanceOf(RefusedError)
  expect(server.methods.length).toBeLessThan(4)
})

test.each([-32020, -32021])(
  'an error of the modern era (%i) is thrown, and no other transport tried',
  async (code) => {
    const server = await fakeStateless()
    server.onPost = (post) => post.error(code)
    const error = await rejection(connect(server.url))
    expect(error).toBeInstanceOf(McpError)
    expect(error).toMatchObject({ code })
    expect(server.methods).toEqual(['server/discover'])
  },
)

test.each([401, 403, 429, 502, 503])(
  'a server that answers %i is not asked by another transport',
  async (status) => {
    const server = await fakeStateless()
    server.onPost = ({ response }) => response.writeHead(status, { 'retry-after': '7' }).end('no')
    const error = (await rejection(connect(server.url))) as HttpError
    expect(error).toBeInstanceOf(HttpError)
    expect(error).toMatchObject({ status, body: 'no', retryAfterMs: 7_000 })
    expect(server.methods).toEqual(['server/discover'])
    expect(server.streams.all).toEqual([])
  },
)

test.each([500, 501])('a server that answers everything with %i is reported', async (status) => {
  const server = await fakeStateless()
  server.onPost = ({ response }) => response.writeHead(status).end('in trouble')
  const error = (await rejection(connect(server.url))) as HttpError
  expect(error).toBeInstanceOf(HttpError)
  expect(error).toMatchObject({ status, body: 'in trouble' })
  expect(server.methods).toEqual(['server/discover', 'initialize'])
})

test.each([400, 404, 405, 500, 501])(
  'a server that answers both requests with %i is opened by its stream',
  async (status) => {
    const legacy = await fakeHttpSse()
    const proxied: typeof fetch = (input, init) => {
      const url = new URL(input as URL)
      const post = init?.method === 'POST' && url.pathname === '/sse'
      return post ? Promise.resolve(new Response('no', { status })) : fetch(url, init)
    }
    const client = await connected(legacy.url, { fetch: proxied })
    expect(client.transport).toBe('http+sse')
    await client.ping()
  },
)

test.each([
  ['an event stream', (response: Response) => response],
  ['202', () => new Response(null, { status: 202 })],
])(
  'a server of HTTP+SSE that answers any method with %s is opened by its stream',
  async (_what, answered) => {
    const legacy = await fakeHttpSse()
    const client = await connected(legacy.url, {
      fetch: async (input, init) => {
        if (init?.method !== 'POST' || (input as URL).pathname !== '/sse') return fetch(input, init)
        const { signal } = init
        return answered(await fetch(input, { ...(signal && { signal }) }))
      },
    })
    expect(client.transport).toBe('http+sse')
    await client.ping()
  },
)

test('a URL with nothing behind it says what the POST was answered', async () => {
  const server = await fakeStreamable()
  server.onPost = ({ response }) => response.writeHead(404).end('nothing here')
  const error = await rejection(connect(server.url))
  expect(error).toMatchObject({ name: 'HttpError', status: 404 })
  expect(error.message).toBe(`initialize: POST ${server.url} answered 404: nothing here`)
  expect(server.streams.all).toHaveLength(1)
})

test('a web site says that it is none', async () => {
  const server = await fakeStreamable()
  const page = { 'content-type': 'text/html' }
  server.onPost = ({ response }) => response.writeHead(200, page).end('<html>')
  server.onGet = ({ response }) => response.writeHead(200, page).end('<html>')
  const error = await rejection(connect(server.url))
  expect(error).toBeInstanceOf(ProtocolError)
  expect(error.message).toMatch('answered with text/html')
})

test('a refusal to initialize is the error', async () => {
  const server = await fakeStreamable()
  server.answers = { initialize: () => ({ error: { code: -32602, message: 'not you' } }) }
  expect(await rejection(connect(server.url))).toMatchObject({ name: 'McpError', message: 'not you' })
})

test('what a server speaks is remembered, by origin and path', async () => {
  const server = await fakeStreamable()
  await connected(server.url)
  await connected(`${server.url}?tenant=1`)
  expect(server.methods.filter((method) => method === 'server/discover')).toHaveLength(1)
  await connected(`${server.url}/other`)
  expect(server.methods.filter((method) => method === 'server/discover')).toHaveLength(2)
})

test('what is remembered is found out anew when it is true no longer', async () => {
  const url = 'http://garden.example/sse'
  const at =
    (origin: string): typeof fetch =>
    (input, init) => {
      const { pathname, search } = new URL(input as URL)
      return fetch(new URL(pathname + search, origin), init)
    }
  const transportAt = async (server: { url: string }) =>
    (await connected(url, { fetch: at(server.url) })).transport
  expect(await transportAt(await fakeHttpSse())).toBe('http+sse')
  expect(await transportAt(await fakeStreamable())).toBe('streamable-http')
  const modern = await fakeStateless()
  expect(await transportAt(modern)).toBe('stateless')
  expect(await transportAt(await fakeHttpSse())).toBe('http+sse')
})

test('a transport that was asked for is the only one that is tried', async () => {
  const server = await fakeStreamable()
  expect(await rejection(connect(server.url, { transport: 'stateless' }))).toMatchObject({
    name: 'HttpError',
    status: 400,
  })
  expect(await rejection(connect(server.url, { transport: 'http+sse' }))).toMatchObject({
    name: 'HttpError',
    status: 405,
  })
  expect(server.methods).toEqual(['server/discover'])
  expect((await connected(server.url, { transport: 'streamable-http' })).transport).toBe('streamable-http')
})
