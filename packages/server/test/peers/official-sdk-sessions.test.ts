import { setImmediate } from 'node:timers/promises'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import * as z from 'zod'
import { untilHealth } from '../harness/health.ts'
import { connectOfficial, textOf } from '../harness/official-client.ts'
import { start } from '../harness/start.ts'

test('it initializes at the latest revision it knows and learns who the server is', async () => {
  const { url } = await start(undefined, {}, { instructions: 'Water the plants.' })
  const client = await connectOfficial(url)
  expect(client.getServerVersion()).toEqual({ name: 'test', version: '1.2.3' })
  expect(client.getInstructions()).toBe('Water the plants.')
  expect(client.getServerCapabilities()).toEqual({
    tools: { listChanged: true },
    resources: { listChanged: true, subscribe: true },
    prompts: { listChanged: true },
    completions: {},
    logging: {},
  })
  const { protocolVersion } = await client.request(
    {
      method: 'initialize',
      params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
    },
    z.looseObject({ protocolVersion: z.string() }),
  )
  expect(protocolVersion).toBe('2025-06-18')
})

test('the revision it negotiated is what handlers see, with who the client is', async () => {
  const { url } = await start((server) =>
    server.tool('who', {}, (_args, { client }) => ({
      content: [],
      structuredContent: { revision: client.revision, client: client.info },
    })),
  )
  const client = await connectOfficial(url)
  expect(await client.callTool({ name: 'who' })).toMatchObject({
    structuredContent: { revision: '2025-11-25', client: { name: 'official', version: '1.0.0' } },
  })
})

test('cut off, it opens a new session by itself, does not initialize it, and is served as of 2024-11-05', async () => {
  const { url, http, server } = await start(
    (server) => {
      server.tool('who', {}, (_args, { client }) => ({
        content: [{ type: 'text', text: JSON.stringify(client) }],
      }))
      server.resource('test://a', {}, () => 'a')
    },
    { retryMs: 10 },
  )
  const client = await connectOfficial(url)
  const who = async () => JSON.parse(textOf(await client.callTool({ name: 'who' }))) as object
  expect(await who()).toMatchObject({ revision: '2025-11-25', info: { name: 'official' } })
  const transport = client.transport as unknown as { _endpoint: URL }
  const before = transport._endpoint
  http.closeAllConnections()
  while (transport._endpoint === before) await setImmediate()
  expect(transport._endpoint.href).not.toBe(before.href)
  expect(await who()).toEqual({ revision: '2024-11-05', capabilities: {} })
  expect((await client.listTools()).tools).toHaveLength(1)
  const updated = new Promise<object>((resolve) => {
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => resolve(params))
  })
  await client.subscribeResource({ uri: 'test://a' })
  server.changed('test://a')
  expect(await updated).toEqual({ uri: 'test://a' })
})

test('closing it ends its session when the time to return is over', async () => {
  const { url } = await start(undefined, { resumeWithinMs: 40 })
  const client = await connectOfficial(url)
  await untilHealth(url, ({ sessions }) => sessions.open === 1)
  await client.close()
  await untilHealth(url, ({ sessions }) => sessions.open === 0)
})

test('its own session alone answers to its principal', async () => {
  const { url } = await start(
    (server) =>
      server.tool('whoami', {}, (_args, { principal }) => ({
        content: [{ type: 'text', text: String(principal) }],
      })),
    {
      principal: (ctx) => {
        const [, name] = /^Bearer (\w+)$/.exec(ctx.get('Authorization')) ?? ctx.throw(401)
        return name
      },
    },
  )
  const headers = { Authorization: 'Bearer ada' }
  const client = await connectOfficial(url, {
    requestInit: { headers },
    eventSourceInit: {
      fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
    },
  })
  expect(textOf(await client.callTool({ name: 'whoami' }))).toBe('ada')
  const anonymous = new Client({ name: 'official', version: '1.0.0' })
  const error = await anonymous.connect(new SSEClientTransport(new URL(`${url}/sse`))).catch((err) => err)
  expect(error).toMatchObject({ code: 401 })
  await anonymous.close()
})

test('two servers in one process keep their clients apart', async () => {
  const one = await start((server) => server.tool('one', {}, () => ({ content: [] })))
  const two = await start((server) => server.tool('two', {}, () => ({ content: [] })))
  const clients = await Promise.all([connectOfficial(one.url), connectOfficial(two.url)])
  const lists = await Promise.all(clients.map((client) => client.listTools()))
  expect(lists.map(({ tools }) => tools.map(({ name }) => name))).toEqual([['one'], ['two']])
})
