import { setImmediate } from 'node:timers/promises'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { deferred } from '@tidings/testkit/deferred'
import { defer } from '@tidings/testkit/disposers'
import { Log } from '@tidings/testkit/log'
import { type HandlerContext, McpError } from '../../src/index.ts'
import { joinResponses } from '../../src/requests/batch.ts'
import { AnyClient, nameOfWay, type Way, ways } from '../harness/any-client.ts'
import { health, untilHealth } from '../harness/health.ts'
import { ask, send } from '../harness/modern.ts'
import { connectRaw } from '../harness/raw-client.ts'
import { start } from '../harness/start.ts'
import { call, sent, startWith } from '../harness/talk.ts'

const form = { message: 'Name?', requestedSchema: { type: 'object' as const, properties: {} } }
const fail = () => {
  throw new Error('getter')
}

test.each(ways.map((way) => [nameOfWay(way), way] as const))(
  'of twenty calls that are cancelled while their stream is open nothing is left: %s',
  async (_name, way: Way) => {
    const { url } = await start(
      (server) =>
        server.tool('begin', {}, async (_args, { log, signal }) => {
          log('error', 'begun')
          const { promise, resolve } = deferred()
          signal.addEventListener('abort', () => resolve())
          begun.resolve()
          await promise
          return { content: [] }
        }),
      { keepSessions: way.session !== 'none' || way.transport === 'stateless' },
    )
    const client = await AnyClient.open(url, way)
    const { streams } = (await health(url)).limits
    let begun = deferred()
    for (let i = 0; i < 20; i++) {
      begun = deferred()
      const _meta = { 'io.modelcontextprotocol/logLevel': 'debug' }
      const called = client.call([{ id: `c${i}`, method: 'tools/call', params: { name: 'begin', _meta } }])
      await begun.promise
      await client.cancel([`c${i}`])
      await called
    }
    await untilHealth(url, ({ limits }) => limits.requests.used === 0 && limits.streams.used === streams.used)
  },
)

test('of twenty calls that the official client cancels nothing is left', async () => {
  let begun = deferred()
  const { url } = await start((server) =>
    server.tool('begin', {}, async (_args, { log, signal }) => {
      log('info', 'begun')
      const { promise, resolve } = deferred()
      signal.addEventListener('abort', () => resolve())
      begun.resolve()
      await promise
      return { content: [] }
    }),
  )
  const client = defer(new Client({ name: 'official', version: '1.0.0' }), (client) => client.close())
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`)))
  await untilHealth(url, ({ limits }) => limits.streams.used === 1)
  for (let i = 0; i < 20; i++) {
    begun = deferred()
    const controller = new AbortController()
    const params = { name: 'begin', arguments: {} }
    const called = client.callTool(params, CallToolResultSchema, { signal: controller.signal })
    const rejected = expect(called).rejects.toThrow()
    await begun.promise
    controller.abort()
    await rejected
  }
  await untilHealth(url, ({ limits }) => limits.requests.used === 0 && limits.streams.used === 1)
})

test('a handler that ignores its cancellation counts as in flight until it settles', async () => {
  const finish = deferred()
  let running = 0
  let most = 0
  const { url } = await start(
    (server) =>
      server.tool('ignore', {}, async () => {
        most = Math.max(most, ++running)
        await finish.promise
        running--
        return { content: [] }
      }),
    { limits: { requests: { total: 5 } } },
  )
  const client = await connectRaw(url)
  const statuses: number[] = []
  for (let i = 0; i < 20; i++) {
    const { status } = await client.send({ id: `c${i}`, method: 'tools/call', params: { name: 'ignore' } })
    statuses.push(status)
    await client.send({ method: 'notifications/cancelled', params: { requestId: `c${i}` } })
  }
  expect(statuses).toEqual([...Array<number>(5).fill(202), ...Array<number>(15).fill(503)])
  expect(most).toBe(5)
  finish.resolve()
  await untilHealth(url, ({ limits }) => limits.requests.used === 0)
  expect(running).toBe(0)
})

test('two questions that are asked at once and awaited one after the other end with their call', async () => {
  const ended = deferred<unknown>()
  const { url } = await startWith(async ({ elicit, roots }) => {
    const [first, second] = [elicit(form), roots()]
    try {
      return [await first, await second]
    } catch (error) {
      await setImmediate()
      ended.resolve(error)
      throw error
    }
  })
  const capabilities = { elicitation: {}, roots: {} }
  const params = { name: 'talk' }
  const { result } = await ask(url, { method: 'tools/call', params, capabilities })
  expect(Object.keys(result.inputRequests as object)).toEqual(['ask-1', 'ask-2'])
  expect(await ended.promise).toMatchObject({ name: 'AbortError' })
  const client = await connectRaw(url, { capabilities })
  await client.send({ id: 'c', method: 'tools/call', params })
  await client.reader.until(() => sent(client, 'roots/list').length === 1)
  await client.send({ method: 'notifications/cancelled', params: { requestId: 'c' } })
  await client.reader.until(() => sent(client, 'notifications/cancelled').length === 2)
})

test('after the end of its request a handler tells nobody, asks nobody, and one line says so', async () => {
  const logger = new Log()
  let late!: HandlerContext
  const { url } = await startWith((context) => void (late = context), logger)
  const client = await connectRaw(url, { capabilities: { roots: {} } })
  await call(client, { progressToken: 't' })
  late.progress({ progress: 1 })
  late.log('error', 'late')
  late.log('error', 'later')
  late.closeStream()
  await expect(late.roots()).rejects.toMatchObject({ name: 'AbortError' })
  await client.request('ping')
  expect(client.messages.filter(({ method }) => method !== undefined)).toEqual([])
  const lines = logger.of('debug').filter(({ message }) => message.includes('after the end of its request'))
  expect(lines).toHaveLength(1)
})

test('a question that is left without waiting for its answer is cancelled when the request is answered', async () => {
  const { url } = await startWith(({ roots }) => void roots())
  const client = await connectRaw(url, { capabilities: { roots: {} } })
  await call(client)
  const [question] = sent(client, 'roots/list')
  expect(sent(client, 'notifications/cancelled')).toMatchObject([{ params: { requestId: question.id } }])
})

test('a log message or progress that JSON cannot express fails no call, is not sent, and is logged', async () => {
  const logger = new Log()
  const cyclic: { self?: unknown } = {}
  cyclic.self = cyclic
  const { url } = await startWith(({ log, progress }) => {
    for (const data of [1n, cyclic, { toJSON: fail }]) log('error', data)
    progress({ progress: 1, message: 1n as never })
    log('error', undefined)
    log('error', 'good')
  }, logger)
  const client = await connectRaw(url)
  expect(await call(client, { progressToken: 't' })).toHaveProperty('result')
  expect(sent(client, 'notifications/message').map(({ params }) => params.data)).toEqual([null, 'good'])
  expect(sent(client, 'notifications/progress')).toEqual([])
  expect(logger.of('error').map(({ message }) => message)).toEqual([
    ...Array<string>(3).fill('notifications/message cannot be written as JSON: not sent'),
    'notifications/progress cannot be written as JSON: not sent',
  ])
})

test('an error of another copy of the package, or with data that cannot be sent, is sent as far as it can be', async () => {
  const logger = new Log()
  const brand = Symbol.for('@tidings/protocol.McpError')
  const thrown: unknown[] = [
    Object.assign(new Error('of a copy'), { code: -3, [brand]: true }),
    new McpError(-4, 'with a BigInt', { data: 1n }),
    new McpError(-5, 'with a getter', { data: { toJSON: fail } }),
  ]
  const broken: unknown[] = [
    { [brand]: true },
    { [brand]: true, code: NaN, message: 'x' },
    { [brand]: true, code: 1, message: 7 },
    Object.defineProperty({ [brand]: true }, 'code', { get: fail }),
    new Proxy({}, { has: fail, getPrototypeOf: fail }),
  ]
  const { url } = await start(
    (server) =>
      server.prompt('throw', {}, (_args, { meta }) => {
        throw [...thrown, ...broken][meta!['which'] as number] as Error
      }),
    { logger },
  )
  const client = await connectRaw(url)
  const errors: unknown[] = []
  for (const which of [...thrown, ...broken].keys()) {
    const { error } = await client.request('prompts/get', { name: 'throw', _meta: { which } })
    errors.push(error)
  }
  expect(errors).toEqual([
    { code: -3, message: 'of a copy' },
    { code: -4, message: 'with a BigInt' },
    { code: -5, message: 'with a getter' },
    ...broken.map(() => ({ code: -32603, message: 'Internal error' })),
  ])
  expect(logger.of('error')).toHaveLength(2 + broken.length)
})

test('line separators of Unicode are escaped in what is sent: some clients end a line there', async () => {
  const text = 'a\u2028b\u2029c'
  const { url } = await start((server) => {
    server.tool('say', {}, (_args, { log }) => {
      log('error', text)
      return { content: [{ type: 'text', text }] }
    })
  })
  const client = await connectRaw(url)
  const { result } = await client.request('tools/call', { name: 'say' })
  expect(result.content[0].text).toBe(text)
  expect(sent(client, 'notifications/message')[0].params.data).toBe(text)
  for (const { data } of client.reader.events) expect(data).not.toMatch(/[\u2028\u2029]/)
  const modern = await (await send(url, { method: 'tools/call', params: { name: 'say' } })).text()
  expect(modern).toContain('a\\u2028b\\u2029c')
})

test('responses that are too long, alone or together in a batch, are errors that say how long they may be', async () => {
  const logger = new Log()
  const text = 'x'.repeat(90_000_000)
  const { url } = await start(
    (server) =>
      server.tool('long', {}, () => ({ content: [1, 2, 3].map(() => ({ type: 'text' as const, text })) })),
    { logger },
  )
  const error = {
    code: -32603,
    message: expect.stringMatching(/too long: \d{9} characters.*at most 268435456/),
  }
  expect(await ask(url, { method: 'tools/call', params: { name: 'long' } })).toMatchObject({ error })
  // Not sent: to put all of it together takes half a minute.
  const requests = [1, 2, 3].map((id) => ({ jsonrpc: '2.0' as const, id, method: 'tools/call' }))
  const { json } = joinResponses(requests, [{ json: text }, { json: text }, undefined])!
  expect(json).toHaveLength(180_000_003)
  const tooLong = joinResponses(requests, [{ json: text }, { json: text }, { json: text }])!
  expect(JSON.parse(tooLong.json)).toEqual(requests.map(({ id }) => ({ jsonrpc: '2.0', id, error })))
}, 60_000)
