import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { connect } from '@tidings/client'
import { defer } from '@tidings/testkit/disposers'
import { post } from '@tidings/testkit/post'
import express from 'express'
import Koa from 'koa'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { handler, mcp, McpServer } from '../../src/index.ts'
import { health } from '../harness/health.ts'
import { start } from '../harness/start.ts'
import { transports } from '../harness/tidings-client.ts'
import { send, waysIn } from '../harness/ways-in.ts'

async function listening(http: Server): Promise<string> {
  defer(http, () => {
    http.closeAllConnections()
    http.close()
  })
  await once(http, 'listening')
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

const server = () => defer(new McpServer({ name: 'test', version: '0' }), (server) => server.close())

const places: Record<string, () => Promise<string>> = {
  'serve()': async () => (await start()).url,
  'a Koa application': () => listening(new Koa().use(mcp(server())).listen(0, '127.0.0.1')),
  Express: () => listening(express().use(handler(server())).listen(0, '127.0.0.1')),
  'Express, under a prefix': async () =>
    `${await listening(express().use('/api', handler(server())).listen(0, '127.0.0.1'))}/api`,
}

test.each(Object.entries(places))('%s: a path with a slash at its end is the same path', async (_, serve) => {
  const url = await serve()
  const slash = (path: string) => path.replace(/(\?|$)/, '/$1')
  for (const way of await waysIn(url)) {
    const path = slash(way.path.replace(new URL(url).pathname.replace(/\/$/, ''), ''))
    const { status } = await send(url, { ...way, path })
    expect([way.method, path, status]).toEqual([way.method, path, expect.any(Number)])
    expect([200, 202, 204]).toContain(status)
  }
  for (const transport of transports) {
    // A client of `paired` posts to the path beside the stream's.
    const path = { 'http+sse': '/sse/', paired: '/sse' }[transport as string] ?? '/mcp/'
    const client = await connect(url + path, { transport })
    await client.listTools()
    await client.close()
  }
  expect((await fetch(`${url}/health/`)).status).toBe(200)
  for (const path of ['/mcp//', '//mcp', '/mcp/x', '/MCP']) {
    expect([path, (await fetch(url + path)).status]).toEqual([path, 404])
  }
})

const accept = { Accept: 'application/json, text/event-stream' }

test('a client of Streamable HTTP that was given the path of HTTP+SSE is served there as at /mcp', async () => {
  const { url, server } = await start((server) => {
    server.resource('test://a', {}, () => 'a')
    server.tool('log', {}, (_args, { log }) => {
      log('info', 'x')
      return { content: [{ type: 'text', text: 'done' }] }
    })
  })
  const client = new Client({ name: 'official', version: '1' })
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/sse`))
  let changes = 0
  const changed = new Promise<void>((resolve) => {
    client.fallbackNotificationHandler = ({ method }) => {
      if (method === 'notifications/resources/updated' && ++changes === 1) resolve()
      return Promise.resolve()
    }
  })
  await client.connect(transport)
  await client.subscribeResource({ uri: 'test://a' })
  expect(await client.callTool({ name: 'log' })).toMatchObject({ content: [{ text: 'done' }] })
  while ((await health(url)).connected_clients === 0) await client.ping()
  server.changed('test://a')
  await changed
  expect((await health(url)).sessions).toMatchObject({ open: 1, opened: 1 })
  await transport.terminateSession()
  expect((await health(url)).sessions).toMatchObject({ open: 0, opened: 1 })
  await client.close()

  // And so are clients of 2026-07-28, and those that choose an id.
  for (const transport of ['stateless', 'streamable-http', undefined] as const) {
    const ours = await connect(`${url}/sse`, transport && { transport })
    await ours.callTool('log')
    await ours.close()
  }
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  const paired = `${url}/sse?client_id=${crypto.randomUUID()}`
  expect(await (await post(paired, ping)).json()).toEqual({ jsonrpc: '2.0', id: 1, result: {} })
  expect((await fetch(paired, { method: 'DELETE' })).status).toBe(204)
})

test('where HTTP+SSE takes streams and messages at one path, messages are its own', async () => {
  const { url } = await start(() => {}, { paths: { sse: '/x', messages: '/x' } })
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  expect((await post(`${url}/x`, ping, accept)).status).toBe(404)
})

const allowed = {
  '/sse': ['DELETE', 'GET', 'HEAD', 'POST'],
  '/messages': ['DELETE', 'POST'],
  '/mcp': ['DELETE', 'GET', 'HEAD', 'POST'],
  '/health': ['GET', 'HEAD'],
}

test.each(Object.entries(places))(
  '%s: a method that a path has not is 405, with those it has',
  async (_, serve) => {
    const url = await serve()
    for (const [path, methods] of Object.entries(allowed)) {
      for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'PUT', 'PATCH', 'PROPFIND', 'OPTIONS']) {
        if (methods.includes(method)) continue
        for (const variant of [path, `${path}/`, `${path}?a=b`]) {
          const { status, headers, body } = await send(url, { method, path: variant })
          expect([method, variant, status]).toEqual([method, variant, method === 'OPTIONS' ? 200 : 405])
          expect(headers.allow!.split(', ').sort()).toEqual(methods)
          if (method === 'HEAD' || method === 'OPTIONS') continue
          expect(JSON.parse(body).error.message).toMatch(
            new RegExp(`^${method} is not served at [\\w/]+, but ${headers.allow}$`),
          )
        }
      }
    }
  },
)

test('where a revision or a server has no use for a method, 405 says which one it has', async () => {
  const modern = { ...accept, 'MCP-Protocol-Version': '2026-07-28' }
  const { url } = await start()
  const alone = await start(() => {}, { keepSessions: false })
  for (const method of ['GET', 'DELETE']) {
    for (const [base, headers] of [
      [url, modern],
      [alone.url, accept],
    ] as const) {
      const answer = await send(base, { method, path: '/mcp', headers })
      expect([answer.status, answer.headers.allow]).toEqual([405, 'POST'])
    }
  }
})

test('a Koa application may serve other methods of a path', async () => {
  const app = new Koa().use(mcp(server())).use((ctx) => {
    if (ctx.method === 'PUT') ctx.body = 'put'
  })
  const url = await listening(app.listen(0, '127.0.0.1'))
  expect((await send(url, { method: 'PUT', path: '/mcp' })).body).toBe('put')
  expect((await send(url, { method: 'PATCH', path: '/mcp' })).status).toBe(405)
})
