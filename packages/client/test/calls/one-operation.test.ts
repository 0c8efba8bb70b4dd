import { rejection } from '@tidings/testkit/rejection'
import { deferred } from '@tidings/testkit/deferred'
import { Log } from '@tidings/testkit/log'
import {
  type Client,
  ClosedError,
  type Handlers,
  McpError,
  ProtocolError,
  TimeoutError,
} from '../../src/index.ts'
import { connected, fakeStateless, fakeStreamable } from '../harness/harness.ts'
import { askFor, onTransport, transports } from '../harness/transports.ts'

const form = { message: 'Who?', requestedSchema: { type: 'object', properties: {} } }
const sample = { messages: [], maxTokens: 5 }

/** A client with handlers that never settle, and a promise of the first question that one of them is asked. */
function pendingHandlers() {
  const asked = deferred<AbortSignal>()
  const never = ({ signal }: { signal: AbortSignal }) => {
    asked.resolve(signal)
    return new Promise<never>(() => {})
  }
  const handlers: Handlers = {
    elicit: (_params, context) => never(context),
    sample: (_params, context) => never(context),
    roots: never,
  }
  return { handlers, asked: asked.promise }
}

const questions: [string, object | undefined][] = [
  ['elicitation/create', form],
  ['sampling/createMessage', sample],
  ['roots/list', undefined],
]

const whileAsked = transports.flatMap((transport) =>
  questions.map(([method, params]) => [transport, method, params] as const),
)

test.each(whileAsked)(
  '%s: while the handler of %s is pending, the signal, the total time and close() settle the call',
  async (transport, method, params) => {
    const { handlers, asked } = pendingHandlers()
    const { server, client } = await onTransport(transport, { handlers })
    server.hold('tools/call')
    const abort = new AbortController()
    const reason = new Error('enough')
    const ways: [object, (client: Client) => unknown, object][] = [
      [{ signal: abort.signal }, () => abort.abort(reason), reason],
      [{ totalTimeoutMs: 100 }, () => {}, { name: 'TimeoutError' }],
      [{ timeoutMs: 20 }, (client) => client.close(), { name: 'ClosedError', mayHaveRun: true }],
    ]
    for (const [options, end, error] of ways) {
      const call = rejection(client.callTool('x', {}, options))
      askFor(server, await server.post('tools/call'), method, params)
      await asked
      await end(client)
      expect(await call).toMatchObject(error)
    }
  },
)

test('a handler of a call that is over is told', async () => {
  const { handlers, asked } = pendingHandlers()
  const { server, client } = await onTransport('stateless', { handlers })
  server.hold('tools/call')
  const call = rejection(client.callTool('x', {}, { totalTimeoutMs: 50 }))
  askFor(server, await server.post('tools/call'), 'roots/list')
  const signal = await asked
  expect(await call).toBeInstanceOf(TimeoutError)
  expect(signal.aborted).toBe(true)
})

const lists: [keyof Client & `list${string}`, string, string][] = [
  ['listTools', 'tools/list', 'tools'],
  ['listPrompts', 'prompts/list', 'prompts'],
  ['listResources', 'resources/list', 'resources'],
  ['listResourceTemplates', 'resources/templates/list', 'resourceTemplates'],
]

/** A server whose lists have a page, and another one after it, without end. */
async function endless(transport: (typeof transports)[number], logger = new Log()) {
  const { server, client } = await onTransport(transport, { logger })
  let n = 0
  for (const [, method, key] of lists) server.answers[method] = () => ({ [key]: [], nextCursor: `c${n++}` })
  return { server, client }
}

test.each(transports)(
  '%s: the pages of a list end with its total time, its signal, and close()',
  async (transport) => {
    const { server, client } = await endless(transport)
    const timedOut = await rejection(client.listTools({ totalTimeoutMs: 50 }))
    expect(timedOut).toBeInstanceOf(TimeoutError)
    expect(timedOut.message).toBe('tools/list: not finished within 50 ms (totalTimeoutMs)')
    const abort = new AbortController()
    const aborted = rejection(client.listTools({ signal: abort.signal }))
    await server.post('tools/list')
    abort.abort('enough')
    expect(await aborted).toBe('enough')
    const closed = rejection(client.listTools())
    await server.post('tools/list')
    await client.close()
    expect(await closed).toBeInstanceOf(ClosedError)
  },
)

test.each(lists)(
  '%s() reads at most 1,000 pages',
  async (list, method) => {
    const { server, client } = await endless('streamable-http')
    const error = await rejection((client[list] as () => Promise<unknown>)())
    expect(error).toBeInstanceOf(ProtocolError)
    expect(error.message).toBe(
      `${method}: the list has more than 1000 pages. Read them one by one: request('${method}', { cursor })`,
    )
    expect(server.methods.filter((other) => other === method)).toHaveLength(1_000)
  },
  30_000,
)

const tool = (name: string) => ({ name, inputSchema: { type: 'object' } })
type Params = { cursor?: string } | undefined

const cursors: [string, (params: Params) => object, string[], number][] = [
  [
    'an empty cursor is sent back like any other',
    (params) => (params?.cursor === '' ? { tools: [tool('b')] } : { tools: [tool('a')], nextCursor: '' }),
    ['a', 'b'],
    0,
  ],
  [
    'an empty cursor that means the end: the page comes twice, and counts once',
    () => ({ tools: [tool('a'), tool('b')], nextCursor: '' }),
    ['a', 'b'],
    1,
  ],
  [
    'a cursor that does not advance ends the list',
    (params) => ({ tools: [tool(params?.cursor ? 'b' : 'a')], nextCursor: 'x' }),
    ['a', 'b'],
    1,
  ],
  [
    'cursors that go round in circles end the list',
    (params) => ({
      tools: [tool(params?.cursor ?? 'first')],
      nextCursor: { undefined: 'a', a: 'b', b: 'a' }[String(params?.cursor)],
    }),
    ['first', 'a', 'b'],
    1,
  ],
  [
    '1,000 pages are read',
    (params) => {
      const n = Number(params?.cursor ?? 0)
      return { tools: [tool(String(n))], ...(n < 999 && { nextCursor: String(n + 1) }) }
    },
    Array.from({ length: 1_000 }, (_, n) => String(n)),
    0,
  ],
]

test.each(transports.flatMap((transport) => cursors.map((cursor) => [transport, ...cursor] as const)))(
  '%s: %s',
  async (transport, _what, page, names, warnings) => {
    const logger = new Log()
    const { server, client } = await onTransport(transport, { logger })
    server.answers['tools/list'] = page
    expect((await client.listTools()).map(({ name }) => name)).toEqual(names)
    const warned = logger.of('warn').filter(({ message }) => /cursor twice/.test(message))
    expect(warned.map(({ fields }) => (fields as { method: string }).method)).toEqual(
      Array(warnings).fill('tools/list'),
    )
  },
  30_000,
)

test.each(transports.flatMap((transport) => lists.map((list) => [transport, ...list] as const)))(
  '%s: %s() of a server that has none is empty',
  async (transport, list, method) => {
    const { server, client } = await onTransport(transport)
    const call = () => (client[list] as () => Promise<unknown[]>)()
    server.answers[method] = () => ({ error: { code: -32601, message: 'Method not found' } })
    expect(await call()).toEqual([])
    server.answers[method] = () => ({ error: { code: -32602, message: 'no such cursor' } })
    const isDeclared = method.slice(0, method.indexOf('/')) in client.serverCapabilities
    if (isDeclared) expect(await rejection(call())).toBeInstanceOf(McpError)
    else expect(await call()).toEqual([])
  },
)

test('the list of tools that a call reads by itself belongs to the call', async () => {
  const server = await fakeStateless()
  let n = 0
  server.answers = {
    'tools/call': () => ({ error: { code: -32020, message: 'mismatch' } }),
    'tools/list': () => ({ tools: [], nextCursor: `c${n++}` }),
  }
  const client = await connected(server.url, { transport: 'stateless' })
  const timedOut = await rejection(client.callTool('x', {}, { totalTimeoutMs: 100 }))
  expect(timedOut).toBeInstanceOf(TimeoutError)
  expect(timedOut.message).toBe('tools/call: not finished within 100 ms (totalTimeoutMs)')
  const abort = new AbortController()
  const aborted = rejection(client.callTool('x', {}, { signal: abort.signal }))
  const posts = server.posts.all.length
  await server.posts.next(
    (post) => server.posts.all.indexOf(post) > posts && post.message.method === 'tools/list',
  )
  abort.abort('enough')
  expect(await aborted).toBe('enough')
  expect((await rejection(client.callTool('x'))).message).toMatch('more than 1000 pages')
}, 30_000)

test('rounds of input are one operation with their call', async () => {
  const server = await fakeStateless()
  const needs = { resultType: 'input_required', inputRequests: { a: { method: 'roots/list' } } }
  server.answers = { 'tools/call': () => needs }
  let rounds = 0
  const roots = () => new Promise<[]>((resolve) => setTimeout(() => resolve([]), 20 * ++rounds))
  const client = await connected(server.url, { transport: 'stateless', handlers: { roots } })
  const error = await rejection(client.callTool('x', {}, { totalTimeoutMs: 100 }))
  expect(error).toBeInstanceOf(TimeoutError)
  expect(error.message).toBe('tools/call: not finished within 100 ms (totalTimeoutMs)')
})

test('a list that waits for the acknowledgement of a stream ends with its total time', async () => {
  const server = await fakeStateless()
  server.onListen = () => {}
  const client = await connected(server.url, { transport: 'stateless' })
  client.on('notifications/tools/list_changed', () => {})
  expect(await rejection(client.listTools({ totalTimeoutMs: 50 }))).toBeInstanceOf(TimeoutError)
  const list = client.request('tools/list', {}, { totalTimeoutMs: 50 })
  expect(await rejection(list)).toBeInstanceOf(TimeoutError)
})

test('an error names the method and the server, for each call that it ends', async () => {
  const server = (await fakeStreamable()).hold('tools/call', 'prompts/get')
  const client = await connected(server.url, { transport: 'streamable-http' })
  const calls = [rejection(client.callTool('x')), rejection(client.getPrompt('y'))]
  await Promise.all([server.post('tools/call'), server.post('prompts/get')])
  await client.close()
  const errors = await Promise.all(calls)
  expect(errors.map(({ message }) => message)).toEqual([
    `tools/call: The client is closed (${server.url})`,
    `prompts/get: The client is closed (${server.url})`,
  ])
  for (const error of errors) {
    expect(error).toBeInstanceOf(ClosedError)
    expect(error.stack).toMatch(error.message)
  }
})
