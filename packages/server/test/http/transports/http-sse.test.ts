import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import Koa, { type Middleware } from 'koa'
import { defer } from '@tidings/testkit/disposers'
import { post } from '@tidings/testkit/post'
import { mcp, McpServer, type McpOptions } from '../../../src/index.ts'
import { health } from '../../harness/health.ts'
import { connectRaw, RawClient } from '../../harness/raw-client.ts'
import { read } from '../../harness/read.ts'
import { start } from '../../harness/start.ts'

const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }

/** What koa-mount does: the middleware sees paths without the prefix. */
function mount(prefix: string, middleware: Middleware): Middleware {
  return async (ctx, next) => {
    const { path } = ctx
    if (!path.startsWith(`${prefix}/`)) return next()
    ctx.path = path.slice(prefix.length)
    await middleware(ctx, async () => {
      ctx.path = path
      await next()
      ctx.path = path.slice(prefix.length)
    })
    ctx.path = path
  }
}

async function startMounted(prefix: string, options: McpOptions = {}): Promise<string> {
  const server = new McpServer({ name: 'test', version: '1.2.3' })
  const http = new Koa().use(mount(prefix, mcp(server, options))).listen(0, '127.0.0.1')
  await once(http, 'listening')
  defer(http, async () => {
    await server.close({ deadlineMs: 0 })
    http.closeAllConnections()
    http.close()
  })
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

async function endpointOf(url: string): Promise<string> {
  return (await (await read(url)).next()).data
}

test('the first event is the endpoint, with the id of a session of its own', async () => {
  const { url } = await start()
  const first = await (await read(`${url}/sse`)).next()
  expect(first.event).toBe('endpoint')
  expect(first.data).toMatch(/^\/messages\?sessionId=[\w-]{26}$/)
  expect(await endpointOf(`${url}/sse`)).not.toBe(first.data)
})

test('the stream begins with a comment, and says when to come back', async () => {
  const { url } = await start(undefined, { retryMs: 1234 })
  const reader = await read(`${url}/sse`)
  await reader.next()
  expect(reader.comments).toEqual(['ok'])
  expect(reader.retryMs).toBe(1234)
})

test('nothing on the way may keep the stream back, change it or take it from a cache', async () => {
  const { url } = await start()
  const { headers, statusCode } = (await read(`${url}/sse`)).response
  expect(statusCode).toBe(200)
  expect(headers).toMatchObject({
    'content-type': 'text/event-stream',
    'cache-control': expect.stringMatching(/no-cache.*no-transform/),
    'x-accel-buffering': 'no',
  })
  expect(headers).not.toHaveProperty('content-length')
  expect(headers).not.toHaveProperty('content-encoding')
})

test.each([
  ['foo=bar&baz=/sse', '&foo=bar&baz=/sse'],
  ['token=a%2Bb%3D&empty&x=1&x=2', '&token=a%2Bb%3D&empty&x=1&x=2'],
  ['&&token=t&', '&token=t'],
  // Ours would stand there twice, and then name no session.
  ['sessionId=1', ''],
  ['sessionId=1&token=t&session%49d=2&SESSIONID=3', '&token=t&SESSIONID=3'],
  ['client_id=1&client_id=2&t=3', '&t=3'],
  ['token=%0d%0adata:x', '&token=%0d%0adata:x'],
])('the query %s of a stream is in its endpoint, without what is ours', async (query, expected) => {
  const { url } = await start((server) => server.tool('t', {}, () => ({ content: [] })))
  const reader = await read(`${url}/sse?${query}`)
  const { data } = await reader.next()
  const [, others] = /^\/messages\?sessionId=[\w-]{26}(.*)$/.exec(data) ?? []
  expect(others).toBe(expected)
  const client = new RawClient(reader, new URL(data, url).href)
  expect(await client.request('ping')).toMatchObject({ result: {} })
})

test('a token in the query of a stream is sent with its messages, too', async () => {
  const { url } = await start(() => {}, {
    principal: (ctx) => (ctx.query.token === 'good' ? 'ada' : ctx.throw(401)),
  })
  const reader = await read(`${url}/sse?token=good`)
  const { data } = await reader.next()
  expect((await post(new URL(data, url).href, ping)).status).toBe(202)
  expect((await post(new URL(data.replace('good', 'bad'), url).href, ping)).status).toBe(401)
})

test('paths can be chosen, the root among them', async () => {
  const { url } = await start(undefined, { paths: { sse: '/events', messages: '/' } })
  const endpoint = await endpointOf(`${url}/events`)
  expect(endpoint).toMatch(/^\/\?sessionId=[\w-]+$/)
  expect((await post(url + endpoint, ping)).status).toBe(202)
  expect((await fetch(`${url}/sse`)).status).toBe(404)
})

test('under a prefix that a parent took off, the endpoint has it, and works', async () => {
  const url = await startMounted('/api/v1')
  const reader = await read(`${url}/api/v1/sse?token=x`)
  const { data } = await reader.next()
  expect(data).toMatch(/^\/api\/v1\/messages\?sessionId=[\w-]+&token=x$/)
  const client = new RawClient(reader, new URL(data, url).href)
  expect(await client.request('ping')).toEqual({ jsonrpc: '2.0', id: 1, result: {} })
  expect((await fetch(`${url}/sse`)).status).toBe(404)
})

test('a message is accepted without a body, and answered on the stream', async () => {
  const { url } = await start()
  const client = await connectRaw(url)
  const response = await client.send({ id: 'a', method: 'ping' })
  expect(response.status).toBe(202)
  expect(await response.text()).toBe('')
  expect(await client.answer('a')).toEqual({ jsonrpc: '2.0', id: 'a', result: {} })
  expect(client.reader.events.at(-1)!.event).toBe('message')
})

test('an answer goes to the session that asked, whoever else uses the same id', async () => {
  const { url } = await start((server) =>
    server.tool('echo', { input: { type: 'object' } }, (args) => ({ content: [], structuredContent: args })),
  )
  const clients = await Promise.all([connectRaw(url), connectRaw(url), connectRaw(url)])
  const answers = clients.map(async (client, who) => {
    await client.send({ id: 'same', method: 'tools/call', params: { name: 'echo', arguments: { who } } })
    return client.answer('same')
  })
  const structured = (await Promise.all(answers)).map(({ result }) => result.structuredContent)
  expect(structured).toEqual([{ who: 0 }, { who: 1 }, { who: 2 }])
  for (const { messages } of clients) expect(messages.filter(({ id }) => id === 'same')).toHaveLength(1)
})

test('line breaks of every kind arrive as they were sent, in one event', async () => {
  const { url } = await start((server) =>
    server.tool('echo', { input: { type: 'object' } }, ({ text }) => ({
      content: [{ type: 'text', text: String(text) }],
    })),
  )
  const client = await connectRaw(url)
  const text = 'a\nb\rc\r\nd\u2028e\u2029\n\ndata: x\n\nevent: endpoint\ndata: http://evil.example\n\n: c\0'
  const { result } = await client.request('tools/call', { name: 'echo', arguments: { text } })
  expect(result.content).toEqual([{ type: 'text', text }])
  expect(client.reader.events.filter(({ event }) => event === 'endpoint')).toHaveLength(1)
})

test('a URI cannot inject lines into the notification that names it', async () => {
  const { url, server } = await start()
  const uri = 'test://x\n\nevent: endpoint\ndata: http://evil.example'
  server.resource(uri, {}, () => '')
  const client = await connectRaw(url)
  await client.request('resources/subscribe', { uri })
  server.changed(uri)
  await client.reader.until(() => client.messages.some(({ params }) => params?.uri === uri))
  expect(client.reader.events.filter(({ event }) => event === 'endpoint')).toHaveLength(1)
})

test('there is no session before the endpoint was told, of another id, of two ids, or of none', async () => {
  const { url } = await start()
  const { endpoint } = await connectRaw(url)
  for (const query of [
    '',
    '?',
    '?sessionId=',
    '?sessionId=nope',
    `${new URL(endpoint).search}&sessionId=x`,
  ]) {
    const response = await post(`${url}/messages${query}`, ping)
    expect([query, response.status]).toEqual([query, 404])
    expect(await response.json()).toMatchObject({ jsonrpc: '2.0', error: { code: -32600 } })
  }
})

test('a session that its client ended is gone, and its stream with it', async () => {
  const { url } = await start()
  const { endpoint, reader } = await connectRaw(url)
  expect((await fetch(endpoint, { method: 'DELETE' })).status).toBe(204)
  await reader.untilClosed()
  expect(reader.comments.at(-1)).toBe('ended by its client')
  expect((await post(endpoint, ping)).status).toBe(404)
  expect((await fetch(endpoint, { method: 'DELETE' })).status).toBe(404)
})

test('looking at a stream by HEAD opens no session', async () => {
  const { url } = await start()
  const response = await fetch(`${url}/sse`, { method: 'HEAD' })
  expect(response.status).toBe(200)
  expect(response.headers.get('Content-Type')).toMatch(/^text\/event-stream/)
  const { sessions } = await health(url)
  expect(sessions).toMatchObject({ open: 0, opened: 0 })
})

test('a client that does not accept a stream is told that there is nothing else', async () => {
  const { url } = await start()
  const accept = (Accept: string) => fetch(`${url}/sse`, { method: 'HEAD', headers: { Accept } })
  expect((await accept('application/json')).status).toBe(406)
  for (const type of ['text/event-stream', '*/*', 'text/*', 'application/json, text/event-stream;q=0.5'])
    expect((await accept(type)).status).toBe(200)
})

test('another method is refused with those that are allowed', async () => {
  const { url } = await start()
  const { endpoint } = await connectRaw(url)
  for (const method of ['GET', 'PUT', 'PATCH']) {
    const response = await fetch(endpoint, { method })
    expect(response.status).toBe(405)
    expect(response.headers.get('Allow')).toBe('POST, DELETE')
  }
  const response = await fetch(`${url}/health`, { method: 'POST', body: '{}' })
  expect(response.status).toBe(405)
  expect(response.headers.get('Allow')).toBe('HEAD, GET')
  expect(await response.json()).toMatchObject({
    error: { message: 'POST is not served at /health, but HEAD, GET' },
  })
})

test('a path that is not ours is passed on', async () => {
  const server = new McpServer({ name: 'test', version: '1.2.3' })
  const app = new Koa().use(mcp(server)).use((ctx) => (ctx.body = `page of ${ctx.path}`))
  const http = app.listen(0, '127.0.0.1')
  defer(http, () => http.close())
  await once(http, 'listening')
  const response = await fetch(`http://127.0.0.1:${(http.address() as AddressInfo).port}/sse/x`)
  expect(await response.text()).toBe('page of /sse/x')
})
