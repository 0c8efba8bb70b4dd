import { deferred } from '@tidings/testkit/deferred'
import { Log } from '@tidings/testkit/log'
import { post } from '@tidings/testkit/post'
import { connectRaw } from '../harness/raw-client.ts'
import { start } from '../harness/start.ts'

const internalError = { code: -32603, message: 'Internal error' }

test('an unknown method is answered so on the stream, whatever its name', async () => {
  const { url } = await start()
  const client = await connectRaw(url)
  for (const method of [
    'nope',
    '',
    'constructor',
    '__proto__',
    'toString',
    'sampling/createMessage',
    'tools/',
  ]) {
    const { error } = await client.request(method)
    expect(error).toEqual({ code: -32601, message: `Unknown method: ${method}` })
  }
  const { error } = await client.request('x'.repeat(1_000_000))
  expect(error.message).toHaveLength('Unknown method: '.length + 200)
})

test('params that do not fit the method are answered with what is wrong', async () => {
  const { url } = await start()
  const client = await connectRaw(url)
  for (const [method, params, reason] of [
    ['tools/call', {}, 'name'],
    ['tools/call', undefined, 'expected object'],
    ['tools/call', { name: 'x', arguments: [1] }, 'arguments'],
    ['resources/read', { uri: 7 }, 'uri'],
    ['logging/setLevel', { level: 'loud' }, 'level'],
    ['completion/complete', { ref: { type: 'ref/nope' }, argument: { name: 'a', value: 'b' } }, 'ref'],
    ['initialize', { protocolVersion: 1 }, 'protocolVersion'],
  ] as const) {
    const { error } = await client.request(method, params)
    expect(error).toEqual({ code: -32602, message: expect.stringContaining(reason) })
  }
})

test('whatever a tool throws, the model is told that it failed, and the log is told all', async () => {
  const logger = new Log()
  const cyclic: { self?: unknown } = {}
  cyclic.self = cyclic
  const thrown = ['secret', 7, undefined, null, cyclic, new Error('secret'), Symbol('secret'), () => 'secret']
  const { url } = await start(
    (server) =>
      server.tool('throw', { input: { type: 'object' } }, ({ which }) => {
        throw thrown[which as number] as Error
      }),
    { logger },
  )
  const client = await connectRaw(url)
  for (const which of thrown.keys()) {
    const { result } = await client.request('tools/call', { name: 'throw', arguments: { which } })
    expect(result).toEqual({
      isError: true,
      content: [{ type: 'text', text: 'The tool throw failed: internal error' }],
    })
  }
  expect(logger.errors).toEqual(thrown)
})

test('whatever a read, a prompt or a completion throws, the answer is an internal error', async () => {
  const logger = new Log()
  const fail = (what: unknown) => () => {
    throw what as Error
  }
  const { url } = await start(
    (server) => {
      server.resource('test://read', {}, fail('read'))
      server.template('list:{x}', { complete: { x: fail('complete') } }, () => '')
      server.prompt('prompt', {}, fail('prompt'))
    },
    { logger },
  )
  const client = await connectRaw(url)
  const ref = { type: 'ref/resource', uri: 'list:{x}' }
  const requests = [
    ['resources/read', { uri: 'test://read' }],
    ['prompts/get', { name: 'prompt' }],
    ['completion/complete', { ref, argument: { name: 'x', value: '' } }],
  ] as const
  for (const [method, params] of requests)
    expect((await client.request(method, params)).error).toEqual(internalError)
  expect(logger.errors).toEqual(['read', 'prompt', 'complete'])
})

test('what a handler returns that is no result, or cannot be said in JSON, becomes an internal error that names it', async () => {
  const logger = new Log()
  const cyclic: Record<string, unknown> = {}
  cyclic.self = cyclic
  const hostile = { content: [], toJSON: fail }
  function fail() {
    throw new Error('toJSON')
  }
  const returned: unknown[] = [
    undefined,
    null,
    7,
    {},
    { content: [], structuredContent: cyclic },
    { content: [{ type: 'text', text: 'x', n: 1n }] },
    { structuredContent: cyclic },
    { structuredContent: { n: 1n } },
    { content: undefined, structuredContent: undefined },
    { content: 'text' },
    ...['text', 7, null, true, [1], { toJSON: () => undefined }, { toJSON: () => 'text' }, Symbol('x')].map(
      (structuredContent) => ({ content: [], structuredContent }),
    ),
    { content: [], toJSON: () => undefined },
    { content: [], toJSON: () => [] },
    {
      get content() {
        throw new Error('content')
      },
    },
    {
      content: [],
      get _meta() {
        throw new Error('_meta')
      },
    },
    hostile,
  ]
  const { url } = await start(
    (server) => {
      server.tool('return', { input: { type: 'object' } }, ({ which }) => returned[which as number] as never)
      server.resource('test://cyclic', {}, () => cyclic)
      server.resource('test://bigint', {}, () => ({ contents: [{ uri: 'x', text: 'x', n: 1n }] }))
      server.prompt('undefined', {}, () => undefined as never)
      server.prompt('empty', {}, () => ({}) as never)
    },
    { logger },
  )
  const client = await connectRaw(url)
  const naming = (name: string) => ({ code: -32603, message: expect.stringContaining(name) })
  for (const which of returned.keys()) {
    const answer = await client.request('tools/call', { name: 'return', arguments: { which } })
    expect([which, answer.error]).toEqual([which, naming('return')])
  }
  for (const uri of ['test://cyclic', 'test://bigint'])
    expect((await client.request('resources/read', { uri })).error).toEqual(naming(uri))
  for (const name of ['undefined', 'empty'])
    expect((await client.request('prompts/get', { name })).error).toEqual(naming(name))
  expect(logger.errors).toHaveLength(returned.length + 4)
  for (const error of logger.errors) expect(error).toBeInstanceOf(Error)
})

test('a handler that hangs is answered for, and told by its signal; what it says later is not sent', async () => {
  const logger = new Log()
  const told = deferred<DOMException>()
  const late = deferred()
  const { url } = await start(
    (server) =>
      server.tool('hang', {}, async (_args, { signal, progress }) => {
        signal.addEventListener('abort', () => told.resolve(signal.reason as DOMException))
        await late.promise
        progress({ progress: 1 })
        return { content: [] }
      }),
    { logger },
    { requestTimeoutMs: 20 },
  )
  const client = await connectRaw(url)
  const meta = { _meta: { progressToken: 'p' } }
  const answer = await client.request('tools/call', { name: 'hang', ...meta })
  expect(answer.error).toEqual({ code: -32603, message: 'tools/call took longer than 20 ms' })
  expect(await told.promise).toMatchObject({ name: 'TimeoutError' })
  const before = client.messages.length
  late.resolve()
  await client.request('ping')
  expect(client.messages).toHaveLength(before + 1)
  expect(logger.lines.all.filter(({ level }) => level === 'warn')).toHaveLength(1)
  expect(logger.errors).toEqual([])
})

test('JSON that is nested very deep is refused, not crashed on', async () => {
  const { url } = await start((server) =>
    server.tool('echo', { input: { type: 'object' } }, (args) => ({ structuredContent: args })),
  )
  const client = await connectRaw(url)
  const deep = '['.repeat(100_000) + ']'.repeat(100_000)
  const objects = '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000)
  for (const body of [
    `{"jsonrpc":"2.0","id":"d","method":"tools/call","params":{"name":"echo","arguments":{"a":${deep}}}}`,
    `{"jsonrpc":"2.0","id":"e","method":"ping","params":${objects}}`,
    deep,
    objects,
  ])
    expect((await post(client.endpoint, body)).status).toBe(400)
  expect((await client.request('ping')).result).toEqual({})
})

test('an array of as many elements as maxBodyBytes allows is answered', async () => {
  const { url } = await start(
    (server) =>
      server.tool('count', { input: { type: 'object' } }, ({ list }) => ({
        structuredContent: { length: (list as unknown[]).length },
      })),
    { maxBodyBytes: 60_000_000 },
  )
  const client = await connectRaw(url)
  const list = new Array<number>(1_000_000).fill(1)
  const { result } = await client.request('tools/call', { name: 'count', arguments: { list } })
  expect(result.structuredContent).toEqual({ length: 1_000_000 })
})

test('keys such as __proto__ change nothing but what they are in', async () => {
  let seen: Record<string, unknown> = {}
  const { url } = await start((server) => {
    server.tool('echo', { input: { type: 'object' } }, (args) => {
      seen = args
      return { content: [] }
    })
    server.prompt('p', {}, () => ({ messages: [] }))
  })
  const client = await connectRaw(url)
  const hostile =
    '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":{"__proto__":{"polluted":1}}}'
  const requests = [
    `"method":"tools/call","params":{"name":"echo","arguments":${hostile},"__proto__":{"name":"p"}}`,
    `"method":"ping","params":${hostile}`,
    `"method":"ping","params":{"_meta":${hostile}}`,
    `"method":"prompts/get","params":{"name":"p","arguments":{"__proto__":"x"}}`,
    `"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"__proto__","value":""}}`,
    `"method":"initialize","params":{"protocolVersion":"x","capabilities":${hostile},"clientInfo":{"name":"x","version":"1"}}`,
  ]
  for (const [i, request] of requests.entries()) {
    const body = `{"jsonrpc":"2.0","id":"h${i}",${request},"__proto__":{"polluted":1}}`
    expect((await post(client.endpoint, body)).status).toBe(202)
    expect(await client.answer(`h${i}`)).toHaveProperty('result')
  }
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  expect(seen.polluted).toBeUndefined()
  expect(Object.getPrototypeOf(seen)).toBe(Object.prototype)
})
