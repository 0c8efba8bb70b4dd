import { Log } from '@tidings/testkit/log'
import { rejection } from '@tidings/testkit/rejection'
import {
  ClosedError,
  ConnectionError,
  type ClientError,
  HttpError,
  McpError,
  ProtocolError,
  TimeoutError,
} from '../../src/index.ts'
import { connected, fakeHttpSse } from '../harness/harness.ts'

const silence = { 'tools/call': () => undefined }

test('each call sends its request, and returns the result', async () => {
  const server = await fakeHttpSse()
  const contents = [{ uri: 'x://1', text: 'one' }]
  server.answers = {
    'tools/call': (params: object) => ({ content: [], structuredContent: { got: params } }),
    'resources/read': () => ({ contents }),
    'prompts/get': () => ({ messages: [] }),
    'completion/complete': () => ({ completion: { values: ['a'] } }),
  }
  const client = await connected(server.url)
  await client.callTool('water', { litres: 2 })
  expect((await server.post('tools/call')).message.params).toMatchObject({
    name: 'water',
    arguments: { litres: 2 },
  })
  await client.callTool('water')
  expect((await server.post('tools/call')).message.params).not.toHaveProperty('arguments')
  expect(await client.readResource('x://1')).toEqual({ contents })
  expect((await server.post('resources/read')).message.params).toMatchObject({ uri: 'x://1' })
  expect(await client.getPrompt('greet', { name: 'Ada' })).toEqual({ messages: [] })
  expect((await server.post('prompts/get')).message.params).toMatchObject({ arguments: { name: 'Ada' } })
  const params = {
    ref: { type: 'ref/prompt' as const, name: 'greet' },
    argument: { name: 'name', value: 'A' },
  }
  expect(await client.complete(params)).toEqual({ completion: { values: ['a'] } })
  expect((await server.post('completion/complete')).message.params).toMatchObject(params)
  await client.ping()
  await client.setLogLevel('warning')
  expect((await server.post('logging/setLevel')).message.params).toMatchObject({ level: 'warning' })
  await client.subscribe('x://1')
  expect((await server.post('resources/subscribe')).message.params).toMatchObject({ uri: 'x://1' })
  await client.unsubscribe('x://1')
  expect((await server.post('resources/unsubscribe')).message.params).toMatchObject({ uri: 'x://1' })
  await client.notify('notifications/roots/list_changed')
  await server.post('notifications/roots/list_changed')
})

test('unknown fields of a result pass through', async () => {
  const server = await fakeHttpSse()
  server.answers = { 'tools/call': () => ({ content: [], fromTheFuture: { a: 1 } }) }
  const client = await connected(server.url)
  expect(await client.callTool('x')).toEqual({ content: [], fromTheFuture: { a: 1 } })
})

test('lists are read to their last page', async () => {
  const server = await fakeHttpSse()
  const page = (key: string, item: (n: string) => object) => (params?: { cursor?: string }) => ({
    [key]: [item(params?.cursor ?? 'first')],
    ...{ nextCursor: { undefined: 'b', b: 'c', c: undefined }[String(params?.cursor)] },
  })
  const resource = (n: string) => ({ name: n, uri: `x://${n}` })
  server.answers = {
    'tools/list': page('tools', (name) => ({ name, inputSchema: { type: 'object' } })),
    'prompts/list': page('prompts', (name) => ({ name })),
    'resources/list': page('resources', resource),
    'resources/templates/list': page('resourceTemplates', (name) => ({ name, uriTemplate: 'x://{n}' })),
  }
  const client = await connected(server.url)
  const names = (items: { name: string }[]) => items.map(({ name }) => name)
  expect(names(await client.listTools())).toEqual(['first', 'b', 'c'])
  expect(names(await client.listPrompts())).toEqual(['first', 'b', 'c'])
  expect(names(await client.listResources())).toEqual(['first', 'b', 'c'])
  expect(names(await client.listResourceTemplates())).toEqual(['first', 'b', 'c'])
})

test("the server's error is an McpError, as it was sent", async () => {
  const server = await fakeHttpSse()
  server.answers = { 'tools/call': () => ({ error: { code: -32602, message: 'no', data: [1] } }) }
  const client = await connected(server.url)
  const error = await rejection(client.callTool('x'))
  expect(error).toBeInstanceOf(McpError)
  expect(error).toMatchObject({ code: -32602, message: 'no', data: [1] })
})

test('a malformed result is a ProtocolError that says what is wrong', async () => {
  const server = await fakeHttpSse()
  server.answers = { 'tools/call': () => ({ content: 'text' }) }
  const client = await connected(server.url)
  const error = (await rejection(client.callTool('x'))) as ClientError
  expect(error).toBeInstanceOf(ProtocolError)
  expect(error.message).toMatch('Invalid result of tools/call: content')
  expect(error.mayHaveRun).toBe(true)
})

test('a request without an answer times out, and the server is told', async () => {
  const server = await fakeHttpSse()
  server.answers = silence
  const client = await connected(server.url)
  const error = (await rejection(client.callTool('slow', {}, { timeoutMs: 50 }))) as TimeoutError
  expect(error).toBeInstanceOf(TimeoutError)
  expect(error.message).toBe(`tools/call: no response from ${server.url} within 50 ms (timeoutMs)`)
  expect(error.mayHaveRun).toBe(true)
  const { message } = await server.post('tools/call')
  const cancelled = await server.post('notifications/cancelled')
  expect(cancelled.message.params).toEqual({ requestId: message.id, reason: error.message })
})

test("the client's own timeouts are the default", async () => {
  const server = await fakeHttpSse()
  server.answers = silence
  // They are those of the requests that begin the session, too.
  const client = await connected(server.url, { timeoutMs: 1_500, totalTimeoutMs: 1_400 })
  const called = rejection(client.callTool('slow'))
  const longer = rejection(client.callTool('slow', {}, { totalTimeoutMs: 1e9 }))
  expect((await called).message).toMatch('within 1400 ms (totalTimeoutMs)')
  expect((await longer).message).toMatch('within 1500 ms')
})

test('a timeout may be longer than a timer can be, or none', async () => {
  const server = await fakeHttpSse()
  server.answers = { 'tools/call': () => ({ content: [] }) }
  const client = await connected(server.url)
  await client.callTool('x', {}, { timeoutMs: Infinity, totalTimeoutMs: 2 ** 40 })
})

test('progress reaches its call, and keeps it from timing out', async () => {
  const server = await fakeHttpSse()
  server.answers = silence
  const client = await connected(server.url)
  const heard: unknown[] = []
  const onProgress = (progress: unknown) => heard.push(progress)
  const call = client.callTool('slow', {}, { timeoutMs: 150, onProgress })
  const { message } = await server.post('tools/call')
  const { progressToken } = message.params!._meta!
  let progress = 0
  const started = Date.now()
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      server.send({
        method: 'notifications/progress',
        params: { progressToken, progress: ++progress, total: 10 },
      })
      server.send({ method: 'notifications/progress', params: { progressToken: 'other', progress: 99 } })
      if (progress < 10) return
      clearInterval(timer)
      resolve()
    }, 30)
  })
  server.send({ id: message.id, result: { content: [] } })
  expect(await call).toEqual({ content: [] })
  expect(Date.now() - started).toBeGreaterThan(150)
  expect(heard).toEqual(Array.from({ length: 10 }, (_, i) => ({ progressToken, progress: i + 1, total: 10 })))
})

test('progress is always asked for, and keeps a call alive that does not listen', async () => {
  const server = await fakeHttpSse()
  server.answers = silence
  const client = await connected(server.url)
  const call = client.callTool('slow', {}, { timeoutMs: 100 })
  const { message } = await server.post('tools/call')
  const { progressToken } = message.params!._meta!
  expect(progressToken).toBeDefined()
  const timer = setInterval(
    () => server.send({ method: 'notifications/progress', params: { progressToken, progress: 1 } }),
    20,
  )
  const over = setTimeout(() => {
    clearInterval(timer)
    server.send({ id: message.id, result: { content: [] } })
  }, 250)
  await call
  clearTimeout(over)
})

test('progress does not keep a call alive beyond its total', async () => {
  const server = await fakeHttpSse()
  server.answers = silence
  const client = await connected(server.url)
  const call = rejection(client.callTool('slow', {}, { timeoutMs: 100, totalTimeoutMs: 200 }))
  const { message } = await server.post('tools/call')
  const { progressToken } = message.params!._meta!
  const timer = setInterval(
    () => server.send({ method: 'notifications/progress', params: { progressToken, progress: 1 } }),
    20,
  )
  const error = await call
  clearInterval(timer)
  expect(error).toBeInstanceOf(TimeoutError)
  expect(error.message).toMatch('within 200 ms (totalTimeoutMs)')
})

test("an onProgress that throws is logged, and the call goes on; the caller's own _meta is kept", async () => {
  const server = await fakeHttpSse()
  server.answers = silence
  const logger = new Log()
  const client = await connected(server.url, { logger })
  const params = { name: 'x', _meta: { 'example.com/trace': 7 } }
  const onProgress = () => {
    throw new Error('oops')
  }
  const call = client.request('tools/call', params, { onProgress })
  const { message } = await server.post('tools/call')
  expect(message.params!._meta).toMatchObject({ 'example.com/trace': 7 })
  const { progressToken } = message.params!._meta!
  server.send({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
  server.send({ id: message.id, result: { content: [] } })
  await call
  expect((await logger.lines.next(({ level }) => level === 'error')).message).toBe('onProgress threw')
})

test('an aborted call rejects with the reason, and the server is told', async () => {
  const server = await fakeHttpSse()
  server.answers = silence
  const client = await connected(server.url)
  const abort = new AbortController()
  const call = rejection(client.callTool('slow', {}, { signal: abort.signal }))
  const { message } = await server.post('tools/call')
  const reason = new Error('changed my mind')
  abort.abort(reason)
  expect(await call).toBe(reason)
  const cancelled = await server.post('notifications/cancelled')
  expect(cancelled.message.params).toEqual({ requestId: message.id, reason: 'changed my mind' })
})

test('a call whose signal is aborted beforehand sends nothing', async () => {
  const server = await fakeHttpSse()
  const client = await connected(server.url)
  expect(await rejection(client.callTool('x', {}, { signal: AbortSignal.abort('no') }))).toBe('no')
  await client.ping()
  expect(server.methods).not.toContain('tools/call')
})

test('a response that comes too late, twice, or to nothing is ignored', async () => {
  const server = await fakeHttpSse()
  server.answers = silence
  const client = await connected(server.url)
  const call = client.callTool('x')
  const { message } = await server.post('tools/call')
  server.send({ id: 'never-sent', result: {} })
  server.send({ id: message.id, result: { content: [], first: true } })
  server.send({ id: message.id, result: { content: [], first: false } })
  server.send({ error: { code: -32700, message: 'which?' } })
  expect(await call).toMatchObject({ first: true })
  await client.ping()
})

test('responses may come in any order', async () => {
  const server = await fakeHttpSse()
  server.answers = silence
  const client = await connected(server.url)
  const calls = ['a', 'b', 'c'].map((name) => client.callTool(name))
  const posts = [
    await server.post('tools/call'),
    await server.post('tools/call'),
    await server.post('tools/call'),
  ]
  for (const { message } of posts.reverse())
    server.send({ id: message.id, result: { content: [], of: message.params } })
  const results = await Promise.all(calls)
  expect(results.map((result) => (result as unknown as { of: { name: string } }).of.name)).toEqual([
    'a',
    'b',
    'c',
  ])
})

test('a response may come before the POST is answered', async () => {
  const server = await fakeHttpSse()
  const client = await connected(server.url)
  server.onPost = ({ response, message }) => {
    server.send(server.answerTo(message)!)
    response.writeHead(202).flushHeaders()
  }
  await client.ping()
})

test.each([400, 413, 429, 500, 503])(
  'a POST that is answered %i is an HttpError of that call',
  async (status) => {
    const server = await fakeHttpSse()
    const client = await connected(server.url)
    server.onPost = ({ response }) => response.writeHead(status, { 'retry-after': '7' }).end('Internal error')
    const error = (await rejection(client.ping())) as HttpError
    expect(error).toBeInstanceOf(HttpError)
    expect(error).toMatchObject({
      status,
      body: 'Internal error',
      retryAfterMs: 7_000,
      mayHaveRun: status === 500,
    })
    expect(client.state).toBe('connected')
  },
)

test('a POST that is cut off is a ConnectionError of that call: it may have run', async () => {
  const server = await fakeHttpSse()
  const client = await connected(server.url)
  server.onPost = ({ request }) => request.socket.destroy()
  const error = (await rejection(client.ping())) as ConnectionError
  expect(error).toBeInstanceOf(ConnectionError)
  expect(error.mayHaveRun).toBe(true)
  expect(client.state).toBe('connected')
})

test('closing rejects the calls in flight, and all that come after', async () => {
  const server = await fakeHttpSse()
  server.answers = silence
  const client = await connected(server.url)
  const call = rejection(client.callTool('slow'))
  await server.post('tools/call')
  await client.close()
  const error = (await call) as ClosedError
  expect(error).toBeInstanceOf(ClosedError)
  expect(error.mayHaveRun).toBe(true)
  const later = (await rejection(client.callTool('slow'))) as ClosedError
  expect(later).toBeInstanceOf(ClosedError)
  expect(later.mayHaveRun).toBe(false)
  expect(await rejection(client.notify('notifications/roots/list_changed'))).toBeInstanceOf(ClosedError)
})
