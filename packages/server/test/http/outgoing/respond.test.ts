import { once } from 'node:events'
import { type AddressInfo } from 'node:net'
import Koa, { type Middleware } from 'koa'
import { defer } from '@tidings/testkit/disposers'
import { post } from '@tidings/testkit/post'
import { mcp, McpServer } from '../../../src/index.ts'
import { modernBody, modernHeaders } from '../../harness/modern.ts'
import { read } from '../../harness/read.ts'

/** Serves with middleware in front, and gives what answers a call. */
async function behind(middleware: Middleware) {
  const server = new McpServer({ name: 'test', version: '1.2.3' })
  server.tool('water', {}, () => ({ content: [{ type: 'text', text: '2 \u2113' }] }))
  const app = new Koa().use(middleware).use(mcp(server))
  const errors: Error[] = []
  app.on('error', (error: Error) => errors.push(error))
  const http = app.listen(0, '127.0.0.1')
  defer(http, () => http.close())
  await once(http, 'listening')
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`
  const call = { method: 'tools/call', params: { name: 'water' } }
  const headers = { ...modernHeaders(call), 'Content-Type': 'application/json' }
  return {
    errors,
    server,
    http,
    url,
    call: () => fetch(url, { method: 'POST', headers, body: JSON.stringify(modernBody(call)) }),
  }
}

test('an answer says how long it is', async () => {
  const { call } = await behind((_ctx, next) => next())
  const response = await call()
  const text = await response.text()
  expect(text).toContain('2 \u2113')
  expect(response.headers.get('Content-Length')).toBe(String(Buffer.byteLength(text)))
})

test('what fails in front after an answer was made is answered by Koa, once', async () => {
  let fails = true
  const { call, errors } = await behind(async (_ctx, next) => {
    await next()
    if (fails) throw new Error('no log to write to')
  })
  expect((await call()).status).toBe(500)
  fails = false
  expect((await call()).status).toBe(200)
  expect(errors.map(({ message }) => message)).toEqual(['no log to write to'])
})

test('a response that middleware has made to fail harms no other', async () => {
  let fails = true
  const { call, errors } = await behind((ctx, next) => {
    const { res } = ctx
    const write = res.write.bind(res)
    if (fails) {
      res.write = () => {
        res.write = write
        throw new Error('no compression today')
      }
      fails = false
    }
    return next()
  })
  const [one, other] = await Promise.all([call(), call()])
  expect([one.status, other.status].sort()).toEqual([200, 500])
  expect(errors.map(({ message }) => message)).toEqual(['no compression today'])
})

test('a body that what is in front sets for want of one does no harm', async () => {
  const { url, server, call } = await behind(async (ctx, next) => {
    await next()
    ctx.body ??= 'none'
  })
  const uri = 'test://a'
  server.resource(uri, {}, () => 'a')
  expect(await (await call()).json()).toMatchObject({ result: { content: [{ text: '2 \u2113' }] } })
  const sse = url.replace('/mcp', '/sse')
  const stream = await read(sse)
  const endpoint = new URL((await stream.next()).data, url).href
  const response = await post(endpoint, {
    jsonrpc: '2.0',
    id: 1,
    method: 'resources/subscribe',
    params: { uri },
  })
  expect([response.status, await response.text()]).toEqual([202, ''])
  expect(await stream.message()).toEqual({ jsonrpc: '2.0', id: 1, result: {} })
  server.changed(uri)
  expect(await stream.message()).toMatchObject({ params: { uri } })
})

test('middleware in front that does not wait gets an answer of its own to the client, and harms nothing', async () => {
  const { url, call } = await behind((_ctx, next) => void next())
  expect((await call()).status).toBe(404)
  const opening = await fetch(url.replace('/mcp', '/sse'), { headers: { Accept: 'text/event-stream' } })
  expect(opening.status).toBe(404)
  expect((await call()).status).toBe(404)
})

test('when the server is closed, what it wrote last has left', async () => {
  const { url, server, http } = await behind((_ctx, next) => next())
  server.tool('hang', {}, () => new Promise(() => {}))
  const stream = await read(url.replace('/mcp', '/sse'))
  const endpoint = new URL((await stream.next()).data, url).href
  const params = { name: 'hang' }
  expect((await post(endpoint, { jsonrpc: '2.0', id: 1, method: 'tools/call', params })).status).toBe(202)
  await server.close({ deadlineMs: 10 })
  http.close()
  http.closeAllConnections()
  await stream.untilClosed()
  expect(JSON.parse(stream.events.at(-1)!.data)).toMatchObject({ id: 1, error: { code: -32603 } })
  expect(stream.comments.at(-1)).toBe('server stopping')
})
