import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import Koa from 'koa'
import { defer } from '@tidings/testkit/disposers'
import { post } from '@tidings/testkit/post'
import { McpServer, mcp, serve } from '../../src/index.ts'
import { untilHealth } from '../harness/health.ts'
import { connectRaw } from '../harness/raw-client.ts'
import { read } from '../harness/read.ts'
import { start } from '../harness/start.ts'

test('health says who is here', async () => {
  const { url } = await start()
  const client = await connectRaw(url)
  const response = await fetch(`${url}/health`)
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual({
    status: 'healthy',
    connected_clients: 1,
    transport: 'http+sse',
    server: { name: 'test', version: '1.2.3' },
    uptime_seconds: expect.any(Number),
    sessions: { open: 1, opened: 1, adopted: 0, resumed: 0, refused: 0, ended: {} },
    limits: {
      sessions: { used: 1, max: 10_000 },
      streams: { used: 1, max: 20_000 },
      requests: { used: 0, max: 10_000 },
      subscriptions: { used: 0, max: 200_000 },
      bytes: { used: expect.any(Number), max: 201_326_592, kept: expect.any(Number) },
    },
    refused: {},
    write_timeouts: 0,
  })
  await client.request('ping')
})

test('a stop lets requests in flight finish, then ends the streams with a reason', async () => {
  let called!: () => void
  let finish!: () => void
  const isCalled = new Promise<void>((resolve) => (called = resolve))
  const mayFinish = new Promise<void>((resolve) => (finish = resolve))
  const { url, close } = await start((server) => {
    server.tool('slow', {}, async () => {
      called()
      await mayFinish
      return { content: [{ type: 'text', text: 'done' }] }
    })
  })
  const client = await connectRaw(url)
  await client.send({ id: 's', method: 'tools/call', params: { name: 'slow' } })
  await isCalled
  const closed = close({ deadlineMs: 10_000 })
  finish()
  expect(await client.answer('s')).toMatchObject({ result: { content: [{ text: 'done' }] } })
  await client.reader.untilClosed()
  expect(client.reader.comments.at(-1)).toBe('server stopping')
  await closed
  await expect(fetch(`${url}/health`)).rejects.toThrow()
})

test('while it stops, new clients and new requests are turned away', async () => {
  let called!: () => void
  const isCalled = new Promise<void>((resolve) => (called = resolve))
  const { url, server } = await start((server) => {
    server.tool('hang', {}, () => {
      called()
      return new Promise(() => {})
    })
  })
  const client = await connectRaw(url)
  await client.send({ id: 'h', method: 'tools/call', params: { name: 'hang' } })
  await isCalled
  const closed = server.close({ deadlineMs: 200 })
  expect((await fetch(`${url}/sse`)).status).toBe(503)
  expect((await client.send({ id: 'p', method: 'ping' })).status).toBe(503)
  const health = await fetch(`${url}/health`)
  expect([health.status, await health.json()]).toMatchObject([503, { status: 'stopping' }])
  await closed
  expect(await client.answer('h')).toMatchObject({
    error: { code: -32603, message: 'The server is stopping' },
  })
})

test('a paired request that outlasts the deadline is answered, too', async () => {
  let called!: () => void
  const isCalled = new Promise<void>((resolve) => (called = resolve))
  const { url, close } = await start((server) => {
    server.tool('hang', {}, () => {
      called()
      return new Promise(() => {})
    })
  })
  const call = post(`${url}/mcp?client_id=${crypto.randomUUID()}`, {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'hang' },
  })
  await isCalled
  await close({ deadlineMs: 10 })
  expect(await (await call).json()).toMatchObject({ error: { message: 'The server is stopping' } })
})

test('a reader that does not read cannot keep the server from stopping', async () => {
  const uri = `test://a/${'x'.repeat(4_000)}`
  const { url, server, close } = await start((server) => {
    server.resource(uri, {}, () => 'a')
  })
  const client = await connectRaw(url)
  await client.request('resources/subscribe', { uri })
  client.reader.stall()
  for (let i = 0; i < 5_000; i++) {
    server.changed(uri)
    await new Promise(setImmediate)
  }
  await close({ deadlineMs: 0 })
})

test('in a Koa application other paths are left to it, and it hears of no errors when readers leave', async () => {
  const server = new McpServer({ name: 'test', version: '0' })
  const errors: unknown[] = []
  const app = new Koa()
  app.on('error', (error) => errors.push(error))
  app.use(mcp(server))
  app.use((ctx) => {
    ctx.body = `the application's ${ctx.path}`
  })
  const http = app.listen(0, '127.0.0.1')
  await once(http, 'listening')
  defer(http, () => {
    http.closeAllConnections()
    http.close()
  })
  const { port } = http.address() as { port: number }
  const url = `http://127.0.0.1:${port}`
  expect(await (await fetch(`${url}/other`)).text()).toBe("the application's /other")
  const [left, reset] = await Promise.all([connectRaw(url), connectRaw(url)])
  left.reader.cut()
  reset.reader.response.socket.resetAndDestroy()
  await untilHealth(url, ({ connected_clients }) => connected_clients === 0)
  expect(errors).toEqual([])
  await server.close()
})

test('a port that is taken is an error that is told', async () => {
  const { port } = await start()
  const server = new McpServer({ name: 'second', version: '0' })
  await expect(serve(server, { port })).rejects.toThrow('EADDRINUSE')
})

test('what is served is disposed of', async () => {
  const server = new McpServer({ name: 'test', version: '0' })
  const serving = await serve(server)
  const reader = await read(`${serving.url}/sse`)
  await serving[Symbol.asyncDispose]()
  await reader.untilClosed()
  await server[Symbol.asyncDispose]()
})

test('a path that could not be routed is a mistake that is told at once', () => {
  const server = new McpServer({ name: 'test', version: '0' })
  for (const path of ['', 'sse', '/sse?', '/a#b', '/:id', '/a//b', '/a/']) {
    expect(() => mcp(server, { paths: { sse: path } })).toThrow(
      'paths.sse must be a plain path such as /mcp, got ',
    )
  }
})

test('behind a body parser messages are taken as it has read them, and one that keeps the body is an error', async () => {
  const server = new McpServer({ name: 'test', version: '0' })
  const errors: unknown[] = []
  const app = new Koa()
  app.on('error', (error: Error) => errors.push(error.message))
  app.use(async (ctx, next) => {
    let text = ''
    for await (const chunk of ctx.req) text += String(chunk)
    if (ctx.get('X-Keep') === '') Object.assign(ctx.request, { body: JSON.parse(text) as unknown })
    await next()
  })
  app.use(mcp(server))
  const http = app.listen(0, '127.0.0.1')
  await once(http, 'listening')
  defer(http, () => {
    http.closeAllConnections()
    http.close()
  })
  const { port } = http.address() as { port: number }
  const url = `http://127.0.0.1:${port}/mcp?client_id=${crypto.randomUUID()}`
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  expect(await (await post(url, ping)).json()).toEqual({ jsonrpc: '2.0', id: 1, result: {} })
  expect((await post(url, ping, { 'X-Keep': 'yes' })).status).toBe(500)
  expect(errors).toEqual([
    'The body was read before Tidings could: register it before other readers of bodies',
  ])
})

test('a response is not watched by Koa on behalf of an application that is told of nothing', async () => {
  const { url, http } = await start()
  const listeners = new Promise((resolve) => {
    // Nothing but what watches for its end listens to the 'end' of a response: there is no such event.
    http.once('request', (_req, res: ServerResponse) => resolve(res.listenerCount('end')))
  })
  await read(`${url}/sse`)
  expect(await listeners).toBe(0)
})
