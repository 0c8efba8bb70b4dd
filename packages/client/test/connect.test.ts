import { latestLegacyRevision, legacyRevisions } from '@tidings/protocol'
import { rejection } from '@tidings/testkit/rejection'
import {
  ClosedError,
  connect,
  ConnectionError,
  HttpError,
  McpError,
  ProtocolError,
  RefusedError,
  TimeoutError,
} from '../src/index.ts'
import type { FakeStream } from './harness/fake-stream.ts'
import { connected, fakeHttpSse } from './harness/harness.ts'

// What is behind it is said by itself; how it is found is in find-transport.test.ts.
const transport = 'http+sse'

/** A server that answers the GET in a way of its own. */
async function serverThat(onGet: (stream: FakeStream) => void) {
  const server = await fakeHttpSse()
  server.onGet = onGet
  return server
}

test('connecting opens the stream, initializes, and says when it is ready', async () => {
  const server = await fakeHttpSse()
  const client = await connected(server.url, { clientInfo: { name: 'tester', version: '3' } })
  const stream = await server.streams.next()
  expect(stream.request.headers.accept).toBe('text/event-stream')
  expect(stream.lastEventId).toBeUndefined()
  const { message, request } = await server.post('initialize')
  expect(request.url).toBe('/messages?sessionId=1')
  expect(request.headers['content-type']).toBe('application/json')
  expect(message.params).toMatchObject({
    protocolVersion: latestLegacyRevision,
    capabilities: {},
    clientInfo: { name: 'tester', version: '3' },
  })
  await server.post('notifications/initialized')
  expect(client.state).toBe('connected')
  expect(client.transport).toBe('http+sse')
  expect(client.revision).toBe(latestLegacyRevision)
  expect(client.serverInfo).toEqual({ name: 'fake', version: '1' })
  expect(client.serverCapabilities).toEqual(server.capabilities)
  expect(client.instructions).toBeUndefined()
})

test('the handlers given are declared as capabilities', async () => {
  const server = await fakeHttpSse()
  await connected(server.url, {
    handlers: {
      sample: () => ({ role: 'assistant', content: { type: 'text', text: '' }, model: 'none' }),
      elicit: () => ({ action: 'cancel' }),
      roots: () => [],
    },
  })
  const { message } = await server.post('initialize')
  expect(message.params).toMatchObject({
    capabilities: { sampling: {}, elicitation: { form: {}, url: {} }, roots: { listChanged: true } },
  })
})

test.each(legacyRevisions)('a server may choose revision %s', async (revision) => {
  const server = await fakeHttpSse()
  server.protocolVersion = revision
  const client = await connected(server.url)
  expect(client.revision).toBe(revision)
})

test('a server that speaks another revision is refused, and its stream is closed', async () => {
  const server = await fakeHttpSse()
  server.protocolVersion = '2031-01-01'
  const error = await rejection(connect(server.url, { transport }))
  expect(error).toBeInstanceOf(RefusedError)
  expect(error.message).toMatch('revision 2031-01-01')
  expect(server.methods).not.toContain('notifications/initialized')
  await (
    await server.streams.next()
  ).closed
})

test.each([401, 403, 404, 500])(
  'an answer of %i is an HttpError with its status and body',
  async (status) => {
    const server = await serverThat(({ response }) => response.writeHead(status).end('go away'))
    const error = (await rejection(connect(server.url, { transport }))) as HttpError
    expect(error).toBeInstanceOf(HttpError)
    expect(error).toMatchObject({ status, body: 'go away' })
    expect(error.message).toBe(`GET ${server.url} answered ${status}: go away`)
  },
)

test('204 is an HttpError: there is no stream', async () => {
  const server = await serverThat(({ response }) => response.writeHead(204).end())
  expect(await rejection(connect(server.url, { transport }))).toMatchObject({
    name: 'HttpError',
    status: 204,
  })
})

test('an error page without end is cut short', async () => {
  const server = await serverThat(({ response }) => {
    response.writeHead(500)
    const write = () => {
      while (!response.destroyed && response.write('x'.repeat(10_000)));
    }
    response.on('drain', write)
    write()
  })
  const error = (await rejection(connect(server.url, { transport }))) as HttpError
  expect(error.body).toHaveLength(1_000)
  await (
    await server.streams.next()
  ).closed
})

test('a web page in place of a stream is a ProtocolError that shows what came', async () => {
  const server = await serverThat(({ response }) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>'),
  )
  const error = await rejection(connect(server.url, { transport }))
  expect(error).toBeInstanceOf(ProtocolError)
  expect(error.message).toMatch('answered with text/html')
  expect(error.message).toMatch('<!doctype html>')
})

test('the content type of the stream may have parameters and any case', async () => {
  const server = await fakeHttpSse()
  server.onGet = (stream) => {
    stream.response.setHeader('content-type', 'Text/Event-Stream; charset=utf-8')
    stream.response.writeHead(200)
    stream.response.flushHeaders()
    stream.endpoint('/messages')
    server.answer = ({ response, message }) => {
      response.writeHead(202).end()
      const answer = server.answerTo(message)
      if (answer) stream.message(answer)
    }
  }
  await connected(server.url)
})

test('a stream without an endpoint event times out, and is closed', async () => {
  const server = await serverThat((stream) => stream.open())
  const error = (await rejection(connect(server.url, { transport, connectTimeoutMs: 50 }))) as TimeoutError
  expect(error).toBeInstanceOf(TimeoutError)
  expect(error.mayHaveRun).toBe(false)
  expect(error.message).toMatch('within 50 ms (connectTimeoutMs)')
  await (
    await server.streams.next()
  ).closed
})

test('a stream that ends before its endpoint event is a ProtocolError', async () => {
  const server = await serverThat((stream) => stream.open().end())
  const error = await rejection(connect(server.url, { transport }))
  expect(error).toBeInstanceOf(ProtocolError)
  expect(error.message).toMatch('ended before its endpoint event')
})

test.each([
  'http://example.com/messages',
  '//example.com/messages',
  'javascript:alert(1)',
  'http://[',
  'data:,x',
])('an endpoint of another origin is refused: %s', async (endpoint) => {
  const server = await serverThat((stream) => stream.open().endpoint(endpoint))
  const error = await rejection(connect(server.url, { transport }))
  expect(error).toBeInstanceOf(RefusedError)
  expect(error.message).toMatch(endpoint)
  expect(server.posts.all).toEqual([])
  await (
    await server.streams.next()
  ).closed
})

test('an endpoint may be a whole URL of the same origin', async () => {
  const server = await fakeHttpSse()
  server.newSession = (stream) => {
    stream.open().endpoint(`${server.origin}/elsewhere?x=1`)
    server.send = (message) => stream.message(message)
  }
  await connected(server.url)
  expect((await server.post('initialize')).request.url).toBe('/elsewhere?x=1')
})

test('a redirect is not followed: what is sent is meant for one server', async () => {
  const other = await fakeHttpSse()
  const server = await serverThat(({ response }) => response.writeHead(307, { location: other.url }).end())
  const error = await rejection(connect(server.url, { headers: { authorization: 'Bearer secret' } }))
  expect(error).toMatchObject({ name: 'HttpError', status: 307 })
  expect(error.message).toMatch(`redirects to ${other.url}`)
  expect(other.streams.all).toEqual([])
})

test('a redirect of a POST is not followed either', async () => {
  const other = await fakeHttpSse()
  const server = await fakeHttpSse()
  server.onPost = ({ response }) => response.writeHead(308, { location: `${other.origin}/messages` }).end()
  expect(await rejection(connect(server.url, { transport }))).toMatchObject({
    name: 'HttpError',
    status: 308,
  })
  expect(other.posts.all).toEqual([])
})

test('a server that is not there is a ConnectionError: nothing can have run', async () => {
  const server = await fakeHttpSse()
  const { url } = server
  await server.close()
  const error = (await rejection(connect(url, { transport }))) as ConnectionError
  expect(error).toBeInstanceOf(ConnectionError)
  expect(error.message).toMatch(`GET ${url} got no response: connect ECONNREFUSED`)
  expect(error.mayHaveRun).toBe(false)
})

test('a server that hangs up is a ConnectionError', async () => {
  const server = await serverThat((stream) => stream.cut())
  expect(await rejection(connect(server.url, { transport }))).toBeInstanceOf(ConnectionError)
})

test('a refusal to initialize is an McpError', async () => {
  const server = await fakeHttpSse()
  server.answers = { initialize: () => ({ error: { code: -32602, message: 'not you', data: { why: 1 } } }) }
  const error = (await rejection(connect(server.url, { transport }))) as McpError
  expect(error).toBeInstanceOf(McpError)
  expect(error).toMatchObject({ code: -32602, message: 'not you', data: { why: 1 } })
  await (
    await server.streams.next()
  ).closed
})

test('initialize without an answer times out', async () => {
  const server = await fakeHttpSse()
  server.answers = { initialize: () => undefined }
  const error = await rejection(connect(server.url, { transport, connectTimeoutMs: 50 }))
  expect(error).toBeInstanceOf(TimeoutError)
  expect(error.message).toMatch("still waiting for the server's description")
  expect(server.methods).not.toContain('notifications/cancelled')
})

test('an initialize result that is not one is a ProtocolError', async () => {
  const server = await fakeHttpSse()
  server.answers = { initialize: () => ({ protocolVersion: 5 }) }
  const error = await rejection(connect(server.url, { transport }))
  expect(error).toBeInstanceOf(ProtocolError)
  expect(error.message).toMatch('Invalid result of initialize: protocolVersion')
})

test('a session that the server does not know when it is initialized is an HttpError', async () => {
  const server = await fakeHttpSse()
  server.onPost = ({ response }) => response.writeHead(404).end('which session?')
  expect(await rejection(connect(server.url, { transport }))).toMatchObject({
    status: 404,
    body: 'which session?',
  })
})

test('connecting can be given up by the signal, at any time', async () => {
  const server = await serverThat((stream) => stream.open())
  const abort = new AbortController()
  const connecting = rejection(connect(server.url, { signal: abort.signal }))
  const stream = await server.streams.next()
  const reason = new Error('never mind')
  abort.abort(reason)
  expect(await connecting).toBe(reason)
  expect(await rejection(connect(server.url, { signal: abort.signal }))).toBe(reason)
  await stream.closed
  expect(server.streams.all).toHaveLength(1)
})

test('the signal closes the client later on', async () => {
  const server = await fakeHttpSse()
  const abort = new AbortController()
  const client = await connected(server.url, { signal: abort.signal })
  abort.abort()
  expect(client.state).toBe('closed')
  expect(await rejection(client.ping())).toBeInstanceOf(ClosedError)
  await (
    await server.streams.next()
  ).closed
})

test.each(['data: x', ': comment', 'id: 5', 'nonsense'])(
  'a line without end is cut off: %s',
  async (start) => {
    const server = await serverThat((stream) => {
      stream.open().raw(start)
      const write = () => {
        while (!stream.response.destroyed && stream.response.write('x'.repeat(10_000)));
      }
      stream.response.on('drain', write)
      write()
    })
    const error = await rejection(connect(server.url, { maxMessageLength: 100_000 }))
    expect(error).toBeInstanceOf(ProtocolError)
    expect(error.message).toMatch('an event of more than 100000 characters')
    await (
      await server.streams.next()
    ).closed
  },
)

test.each([
  ['a byte order mark', '\ufeffevent: endpoint\ndata: /messages\n\n'],
  ['CR line endings', 'event: endpoint\rdata: /messages\r\r'],
  ['CRLF line endings', 'event: endpoint\r\ndata: /messages\r\n\r\n'],
  ['comments, unknown fields and a retry', ':hi\nretry: 500\nfoo: bar\nevent: endpoint\ndata:/messages\n\n'],
  [
    'events of other types before it',
    'event: hello\ndata: x\n\ndata: not json\n\nevent: endpoint\ndata: /messages\n\n',
  ],
])('a stream may begin with %s', async (_what, start) => {
  const server = await fakeHttpSse()
  server.newSession = (stream) => {
    stream.open().raw(start)
    server.send = (message) => stream.message(message)
  }
  await connected(server.url)
})

test('a transport that there is not is named, with those that there are', async () => {
  await expect(connect('http://127.0.0.1:1/mcp', { transport: 'sse' as never })).rejects.toThrow(
    new TypeError('No transport sse: give one of auto, stateless, streamable-http, http+sse, paired'),
  )
})

test.each([
  ['/mcp', 'No URL: /mcp. It must begin with http:// or https://, such as http://127.0.0.1:3000/mcp'],
  [
    'ftp://localhost/mcp',
    'No URL: ftp://localhost/mcp. It must begin with http:// or https://, such as http://127.0.0.1:3000/mcp',
  ],
  [
    'http://me:secret@127.0.0.1:1/mcp',
    'The URL contains credentials. Send them in a header: options.headers',
  ],
])('what cannot be connected to is refused: %s', async (url, message) => {
  const error = await rejection(connect(url))
  expect(error).toBeInstanceOf(TypeError)
  expect(error.message).toBe(message)
})
