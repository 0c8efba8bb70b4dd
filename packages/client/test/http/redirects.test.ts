import { rejection } from '@tidings/testkit/rejection'
import { connect, HttpError } from '../../src/index.ts'
import type { FakePost } from '../harness/fake-endpoint.ts'
import { connected, fakeHttpSse, fakeStateless, fakeStreamable } from '../harness/harness.ts'

const headers = { authorization: 'Bearer secret' }

/** Redirects what is sent to the path with a slash to the one without. */
const redirect = (status: number, to: (origin: string) => string) => (post: FakePost) => {
  const origin = `http://${post.request.headers.host!}`
  post.response.writeHead(status, { location: to(origin) }).end('moved')
}

const targets: [string, (origin: string) => string][] = [
  ['a path', () => '/mcp/'],
  ['a relative path', () => 'mcp/'],
  ['a URL of the same origin', (origin) => `${origin}/mcp/`],
]

const servers = { stateless: fakeStateless, 'streamable-http': fakeStreamable }
const followed = (['stateless', 'streamable-http'] as const).flatMap((transport) =>
  [307, 308].flatMap((status) => targets.map((target) => [transport, status, ...target] as const)),
)

test.each(followed)(
  '%s: %i to %s is followed, with method, body and headers',
  async (transport, status, _what, to) => {
    const server = await servers[transport]()
    server.answers['tools/call'] = (params: object) => ({ content: [], got: params })
    server.onPost = (post) => {
      if (post.request.url === '/mcp') redirect(status, to)(post)
      else server.answer(post)
    }
    const client = await connected(server.url, { transport, headers })
    expect(await client.callTool('x', { a: 1 })).toMatchObject({ got: { name: 'x', arguments: { a: 1 } } })
    const calls = server.posts.all.filter(({ message }) => message.method === 'tools/call')
    expect(calls.map(({ request }) => `${request.method} ${request.url}`)).toEqual([
      'POST /mcp',
      'POST /mcp/',
    ])
    expect(calls[1]!.header('authorization')).toBe('Bearer secret')
    expect(calls[1]!.header('mcp-protocol-version')).toBe(calls[0]!.header('mcp-protocol-version'))
  },
)

test('the GET of an event stream is followed as well', async () => {
  const server = await fakeHttpSse()
  server.onGet = (stream) => {
    if (stream.request.url === '/sse') stream.response.writeHead(307, { location: '/sse/' }).end()
    else server.newSession(stream)
  }
  const client = await connected(server.url, { transport: 'http+sse' })
  await client.ping()
  expect(server.streams.all.map(({ request }) => request.url)).toEqual(['/sse', '/sse/'])
})

const refused: [string, number, (origin: string) => string][] = [
  ['another origin', 307, () => 'http://127.0.0.1:9/mcp/'],
  ['another host name of the same server', 308, (origin) => origin.replace('127.0.0.1', 'localhost')],
  ['another scheme', 308, (origin) => `${origin.replace('http:', 'https:')}/mcp/`],
  ['something without a host', 307, () => 'javascript:alert(1)'],
  ['no URL', 307, () => 'http://'],
  ['a path, by 302', 302, () => '/mcp/'],
  ['a path, by 301', 301, () => '/mcp/'],
  ['a path, by 303', 303, () => '/mcp/'],
]

test.each(refused)('a redirect to %s (%i) is not followed, and named', async (_what, status, to) => {
  const server = await fakeStreamable()
  server.onPost = redirect(status, to)
  const error = await rejection(connect(server.url, { transport: 'streamable-http', headers }))
  expect(error).toBeInstanceOf(HttpError)
  expect(error).toMatchObject({ status })
  expect(error.message).toMatch(`redirects to ${to(server.origin)}. Redirects are not followed`)
  expect(server.posts.all).toHaveLength(1)
})

test('a redirect without a location is an error', async () => {
  const server = await fakeStreamable()
  server.onPost = ({ response }) => response.writeHead(307).end()
  expect((await rejection(connect(server.url, { transport: 'stateless' }))).message).toMatch(
    'redirects to another URL',
  )
})

test('redirects without end are followed five times', async () => {
  const server = await fakeStreamable()
  let n = 0
  server.onPost = (post) => redirect(307, () => `/${n++}`)(post)
  expect(await rejection(connect(server.url, { transport: 'stateless' }))).toMatchObject({ status: 307 })
  expect(server.posts.all).toHaveLength(6)
})
