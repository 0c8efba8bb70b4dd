import { type ConnectOptions, HttpError, McpError } from '@tidings/client'
import * as z from 'zod'
import { Log } from '@tidings/testkit/log'
import { rejection } from '@tidings/testkit/rejection'
import { errorCodes, type McpServer } from '../../src/index.ts'
import { health, untilHealth } from '../harness/health.ts'
import { start } from '../harness/start.ts'
import { connectTidings, transports, sessionTransports } from '../harness/tidings-client.ts'

/** A server with something of everything. */
function greenhouse(server: McpServer): void {
  const input = z.object({ litres: z.number().min(0) })
  const output = z.object({ total: z.number() })
  let total = 0
  server.tool('water', { title: 'Water', description: 'Open a valve', input, output }, ({ litres }) => {
    total += litres
    return { structuredContent: { total } }
  })
  server.tool('fail', {}, () => {
    throw new Error('a secret')
  })
  server.tool('refuse', {}, () => {
    throw new McpError(errorCodes.invalidParams, 'not now', { data: { until: 7 } })
  })
  server.tool('count', { input: z.object({ to: z.number() }) }, async ({ to }, { progress, log }) => {
    for (let i = 1; i <= to; i++) {
      progress({ progress: i, total: to, message: `at ${i}` })
      log('info', { i })
      await new Promise(setImmediate)
    }
    return { content: [] }
  })
  server.tool('wait', {}, (_args, { signal }) => {
    waits.push(signal)
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error))
    })
  })
  server.tool('ask', {}, async (_args, { elicit, sample, roots }) => {
    const requestedSchema = {
      type: 'object' as const,
      properties: { name: { type: 'string' as const }, age: { type: 'integer' as const, default: 30 } },
    }
    const form = await elicit({ message: 'Who?', requestedSchema })
    const sampled = await sample({
      maxTokens: 5,
      messages: [{ role: 'user', content: { type: 'text', text: 'hi' } }],
    })
    return { content: [], structuredContent: { form, sampled, roots: await roots() } }
  })
  server.resource('greenhouse://climate', { mimeType: 'application/json' }, () => ({ celsius: 21 }))
  const complete = {
    name: (value: string) => ['basil', 'mint', 'moss'].filter((name) => name.startsWith(value)),
  }
  server.template('plant:///{name}', { name: 'plant', complete }, ({ name }) =>
    name === 'moss' ? undefined : `A ${String(name)}`,
  )
  server.prompt(
    'care',
    { input: z.object({ plant: z.string() }), complete: { plant: complete.name } },
    ({ plant }) => ({
      messages: [{ role: 'user', content: { type: 'text', text: `How do I care for ${plant}?` } }],
    }),
  )
}

const waits: AbortSignal[] = []

async function connected(transport: (typeof transports)[number], options?: ConnectOptions) {
  const { url, server } = await start(greenhouse, {}, { pageSize: 2, instructions: 'Be gentle' })
  return { client: await connectTidings(url, { transport, ...options }), server, url }
}

test.each(transports)('%s: who the server is', async (transport) => {
  const { client } = await connected(transport)
  expect(client.transport).toBe(transport)
  expect(client.serverInfo).toEqual({ name: 'test', version: '1.2.3' })
  expect(client.instructions).toBe('Be gentle')
  expect(client.revision).toBe(transport === 'stateless' ? '2026-07-28' : '2025-11-25')
  expect(client.serverCapabilities).toMatchObject({ tools: {}, resources: { subscribe: true }, prompts: {} })
  await client.ping()
})

test.each(transports)('%s: lists, page after page', async (transport) => {
  const { client } = await connected(transport)
  const tools = await client.listTools()
  expect(tools.map(({ name }) => name)).toEqual(['water', 'fail', 'refuse', 'count', 'wait', 'ask'])
  expect(tools[0]).toMatchObject({
    title: 'Water',
    inputSchema: { type: 'object', required: ['litres'] },
    outputSchema: { type: 'object', required: ['total'] },
  })
  expect((await client.listResources()).map(({ uri }) => uri)).toEqual(['greenhouse://climate'])
  expect((await client.listResourceTemplates()).map(({ uriTemplate }) => uriTemplate)).toEqual([
    'plant:///{name}',
  ])
  expect((await client.listPrompts()).map(({ name }) => name)).toEqual(['care'])
})

test.each(transports)('%s: tools, and the ways they fail', async (transport) => {
  const { client } = await connected(transport)
  await client.callTool('water', { litres: 2 })
  expect((await client.callTool('water', { litres: 3 })).structuredContent).toEqual({ total: 5 })
  expect(await client.callTool('water', { litres: -1 })).toMatchObject({ isError: true })
  const failed = await client.callTool('fail')
  expect(failed.isError).toBe(true)
  expect(JSON.stringify(failed)).not.toMatch('secret')
  const refused = await rejection(client.callTool('refuse'))
  expect(refused).toBeInstanceOf(McpError)
  expect(refused).toMatchObject({ code: -32602, message: 'not now', data: { until: 7 } })
  expect(await rejection(client.callTool('none'))).toMatchObject({ name: 'McpError', code: -32602 })
})

test.each(transports)('%s: resources, prompts and completion', async (transport) => {
  const { client } = await connected(transport)
  expect((await client.readResource('greenhouse://climate')).contents).toEqual([
    { uri: 'greenhouse://climate', mimeType: 'application/json', text: '{"celsius":21}' },
  ])
  expect((await client.readResource('plant:///mint')).contents).toMatchObject([{ text: 'A mint' }])
  const code = transport === 'stateless' ? errorCodes.invalidParams : errorCodes.resourceNotFound
  expect(await rejection(client.readResource('plant:///moss'))).toMatchObject({ name: 'McpError', code })
  const { messages } = await client.getPrompt('care', { plant: 'mint' })
  expect(messages[0]!.content).toEqual({ type: 'text', text: 'How do I care for mint?' })
  const complete = async (ref: Parameters<typeof client.complete>[0]['ref'], name: string) =>
    (await client.complete({ ref, argument: { name, value: 'm' } })).completion.values
  expect(await complete({ type: 'ref/prompt', name: 'care' }, 'plant')).toEqual(['mint', 'moss'])
  expect(await complete({ type: 'ref/resource', uri: 'plant:///{name}' }, 'name')).toEqual(['mint', 'moss'])
})

test.each(transports)('%s: progress and log messages', async (transport) => {
  const { client } = await connected(transport)
  const logged: unknown[] = []
  client.on('notifications/message', ({ data }) => logged.push(data))
  await client.setLogLevel('info')
  const heard: number[] = []
  await client.callTool('count', { to: 3 }, { onProgress: ({ progress }) => heard.push(progress) })
  // Over the paired transport the result comes on a connection of its own, and may overtake what is on the stream.
  if (transport !== 'paired') expect(heard).toEqual([1, 2, 3])
  expect(heard.every((progress, i) => i === 0 || progress > heard[i - 1]!)).toBe(true)
  await client.setLogLevel('error')
  const before = logged.length
  await client.callTool('count', { to: 3 })
  if (transport !== 'paired') expect(before).toBe(3)
  expect(logged.length - before).toBeLessThanOrEqual(3 - Math.min(before, 3))
})

test.each(transports)('%s: a call that is given up is aborted on the server', async (transport) => {
  const { client } = await connected(transport)
  const abort = new AbortController()
  const call = rejection(client.callTool('wait', {}, { signal: abort.signal }))
  const timedOut = rejection(client.callTool('wait', {}, { timeoutMs: 50 }))
  while (waits.length < 2) await client.ping()
  const signals = waits.splice(0)
  // The one that times out may have been aborted before it is listened to.
  const aborted = signals.map(
    (signal) =>
      new Promise<unknown>((resolve) =>
        signal.aborted ? resolve(signal) : signal.addEventListener('abort', resolve),
      ),
  )
  abort.abort(new Error('enough'))
  expect((await call).message).toBe('enough')
  expect((await timedOut).name).toBe('TimeoutError')
  await Promise.all(aborted)
})

test.each(transports)('%s: the server asks the client: a form, a sample, its roots', async (transport) => {
  const { client } = await connected(transport, {
    handlers: {
      elicit: () => ({ action: 'accept', content: { name: 'Ada' } }),
      sample: () => ({ role: 'assistant', content: { type: 'text', text: 'hello' }, model: 'none' }),
      roots: () => [{ uri: 'file:///home' }],
    },
  })
  expect((await client.callTool('ask')).structuredContent).toEqual({
    form: { action: 'accept', content: { name: 'Ada', age: 30 } },
    sampled: { role: 'assistant', content: { type: 'text', text: 'hello' }, model: 'none' },
    roots: [{ uri: 'file:///home' }],
  })
})

test.each(transports)('%s: a client without handlers is not asked', async (transport) => {
  const { client } = await connected(transport)
  expect(await rejection(client.callTool('ask'))).toMatchObject({ name: 'McpError' })
})

test.each(transports)('%s: list changes are heard', async (transport) => {
  const { client, server } = await connected(transport)
  const heard = new Promise((resolve) => client.on('notifications/tools/list_changed', resolve))
  // What is listed after one began to listen is not older than what one hears of.
  expect((await client.listTools()).map(({ name }) => name)).not.toContain('new')
  server.tool('new', {}, () => ({ content: [] }))
  await heard
  expect((await client.listTools()).map(({ name }) => name)).toContain('new')
})

test.each(transports)('%s: many calls at once are each answered with their own result', async (transport) => {
  const { client } = await connected(transport)
  const names = Array.from({ length: 200 }, (_, i) => `fern${i}`)
  const results = await Promise.all(names.map((name) => client.readResource(`plant:///${name}`)))
  expect(results.map(({ contents }) => (contents[0] as { text: string }).text)).toEqual(
    names.map((name) => `A ${name}`),
  )
})

test('stateless: closing ends what the server tells', async () => {
  const { client, url } = await connected('stateless')
  await client.subscribe('greenhouse://climate')
  expect(await health(url)).toMatchObject({ connected_clients: 1 })
  await client.close()
  await untilHealth(url, ({ connected_clients }) => connected_clients === 0)
})

test.each(sessionTransports)('%s: closing ends the session on the server', async (transport) => {
  const { client, url } = await connected(transport)
  expect(await health(url)).toMatchObject({ sessions: { open: 1 } })
  await client.close()
  expect(await health(url)).toMatchObject({ sessions: { open: 0 } })
})

test.each(transports)('%s: who may not come in is told so', async (transport) => {
  const { url } = await start(undefined, {
    principal: (ctx) => (ctx.get('authorization') === 'Bearer good' ? 'ada' : ctx.throw(401, 'who are you?')),
  })
  const refused = await rejection(connectTidings(url, { transport }))
  expect(refused).toBeInstanceOf(HttpError)
  expect(refused).toMatchObject({ status: 401 })
  const client = await connectTidings(url, { transport, headers: () => ({ authorization: 'Bearer good' }) })
  await client.ping()
})

test.each(transports)('%s: nothing is logged as an error by an ordinary day', async (transport) => {
  const logger = new Log()
  const { url } = await start(greenhouse, { logger })
  const client = await connectTidings(url, { transport })
  await client.callTool('water', { litres: 1 })
  await client.subscribe('greenhouse://climate')
  await client.close()
  expect(logger.lines.all.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([])
})
