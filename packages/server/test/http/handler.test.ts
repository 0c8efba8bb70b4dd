import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect, type ConnectOptions } from '@tidings/client'
import express from 'express'
import Fastify from 'fastify'
import * as z from 'zod'
import { handler, McpServer } from '../../src/index.ts'
import { defer } from '@tidings/testkit/disposers'
import { post } from '@tidings/testkit/post'
import { transports } from '../harness/tidings-client.ts'

/** A server whose resource changes with each call of its tool. */
function counter() {
  const server = new McpServer({ name: 'test', version: '1.2.3' })
  let count = 0
  const resource = server.resource('count:///', {}, () => count)
  server.tool('add', { input: z.object({ by: z.number() }) }, ({ by }) => {
    count += by
    resource.changed()
    return { content: [] }
  })
  return server
}

async function listening(http: Server): Promise<string> {
  defer(http, () => {
    http.closeAllConnections()
    http.close()
  })
  if (!http.listening) await once(http, 'listening')
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

/** Applications that serve under a prefix, and the URL of the prefix. */
const frameworks = {
  'node:http': (server: McpServer) => listening(createServer(handler(server)).listen(0, '127.0.0.1')),

  'Express 5': async (server: McpServer) => {
    const app = express().use(express.json()).use('/api', handler(server))
    return `${await listening(app.listen(0, '127.0.0.1'))}/api`
  },

  'Fastify 5': async (server: McpServer) => {
    const app = Fastify()
    const listener = handler(server)
    app.all('/*', (request, reply) => {
      reply.hijack()
      listener(Object.assign(request.raw, { body: request.body }), reply.raw)
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return listening(app.server)
  },
}

const ways = Object.entries(frameworks).flatMap(([framework, serve]) =>
  transports.map((transport) => ({ framework, transport, serve })),
)

test.each(ways)('$framework, $transport: calls, and changes as they happen', async ({ transport, serve }) => {
  const server = defer(counter(), (server) => server.close({ deadlineMs: 0 }))
  const url = await serve(server)
  const path = transport === 'http+sse' || transport === 'paired' ? '/sse' : '/mcp'
  const options: ConnectOptions = { transport }
  // A client of `paired` posts to the path beside the stream's.
  const client = defer(await connect(url + path, options), (client) => client.close())
  const contents: unknown[] = []
  for await (const {
    contents: [content],
  } of client.watch('count:///')) {
    contents.push((content as { text: string }).text)
    if (contents.length === 3) break
    await client.callTool('add', { by: 2 })
  }
  expect(contents).toEqual(['0', '2', '4'])
})

test('Express: the endpoint event names the path that the client has to use', async () => {
  const server = defer(counter(), (server) => server.close({ deadlineMs: 0 }))
  const url = await frameworks['Express 5'](server)
  const response = await fetch(`${url}/sse`)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('event: endpoint')) text += (await reader.read()).value
  expect(text).toMatch(/data: \/api\/messages\?sessionId=/)
  await reader.cancel()
})

test('other paths go on to the application; without one they are answered 404, in words', async () => {
  const server = defer(counter(), (server) => server.close({ deadlineMs: 0 }))
  const app = express()
    .use(handler(server))
    .get('/about', (_request, response) => void response.send('about us'))
  const url = await listening(app.listen(0, '127.0.0.1'))
  expect(await (await fetch(`${url}/about`)).text()).toBe('about us')
  expect((await fetch(`${url}/none`)).status).toBe(404)
  const alone = await fetch(`${await frameworks['node:http'](server)}/none`)
  expect([alone.status, await alone.text()]).toEqual([
    404,
    'There is nothing at /none. MCP clients connect to /mcp, those of HTTP+SSE to /sse.\n',
  ])
})

test('the principal option sees what the framework has put on the request', async () => {
  const server = defer(new McpServer({ name: 'test', version: '0' }), (server) => server.close())
  server.tool('who', {}, (_args, { principal }) => ({ content: [{ type: 'text', text: `${principal}` }] }))
  const app = express()
    .use((request, _response, next) => {
      Object.assign(request, { user: request.get('Authorization') })
      next()
    })
    .use(handler(server, { principal: ({ req }) => (req as { user?: string }).user }))
  const url = await listening(app.listen(0, '127.0.0.1'))
  const headers = { Authorization: 'ada' }
  const client = defer(await connect(`${url}/mcp`, { headers }), (client) => client.close())
  expect((await client.callTool('who')).content).toEqual([{ type: 'text', text: 'ada' }])
})

test('closing a handler ends its streams, and refuses new sessions', async () => {
  const server = counter()
  const listener = handler(server)
  const url = await listening(createServer(listener).listen(0, '127.0.0.1'))
  const stream = await fetch(`${url}/sse`)
  await listener.close({ deadlineMs: 0 })
  expect(await stream.text()).toMatch(/: server stopping\n\n$/)
  const message = { jsonrpc: '2.0', id: 1, method: 'ping' }
  expect((await post(`${url}/mcp?client_id=${crypto.randomUUID()}`, message)).status).toBe(503)
})
