import { Log } from '@tidings/testkit/log'
import type { ConnectOptions } from '../../src/index.ts'
import { McpError } from '../../src/index.ts'
import type { FakeHttpSse } from '../harness/fake-http-sse.ts'
import { connected, fakeHttpSse } from '../harness/harness.ts'

type Handlers = NonNullable<ConnectOptions['handlers']>

async function clientWith(handlers: Handlers, options: ConnectOptions = {}) {
  const server = await fakeHttpSse()
  const client = await connected(server.url, { ...options, handlers })
  return { server, client }
}

/** Sends a request to the client, and waits for what it answers. */
async function ask(server: FakeHttpSse, id: string | number, method: string, params?: object) {
  server.send({ id, method, ...(params && { params }) })
  const { message } = await server.posts.next(
    ({ message }) => message.method === undefined && message.id === id,
  )
  return message
}

const form = {
  message: 'Who are you?',
  requestedSchema: {
    type: 'object',
    properties: {
      name: { type: 'string', default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
      note: { type: 'string' },
    },
  },
}

test('ping is answered', async () => {
  const { server } = await clientWith({})
  expect(await ask(server, 'p', 'ping')).toEqual({ jsonrpc: '2.0', id: 'p', result: {} })
})

test('a request for which there is no handler is an unknown method', async () => {
  const { server } = await clientWith({})
  for (const method of [
    'sampling/createMessage',
    'elicitation/create',
    'roots/list',
    'nonsense',
    'constructor',
  ]) {
    const { error } = await ask(server, method, method)
    expect(error).toEqual({ code: -32601, message: `Method not found: ${method}` })
  }
})

test('sampling is answered by its handler', async () => {
  const { server } = await clientWith({
    sample: ({ messages, maxTokens }) => ({
      role: 'assistant',
      content: { type: 'text', text: `${messages.length} ${maxTokens}` },
      model: 'echo',
    }),
  })
  const messages = [{ role: 'user', content: { type: 'text', text: 'hi' } }]
  const { result } = await ask(server, 1, 'sampling/createMessage', { messages, maxTokens: 9 })
  expect(result).toEqual({ role: 'assistant', content: { type: 'text', text: '1 9' }, model: 'echo' })
})

test('roots are answered by their handler', async () => {
  const { server } = await clientWith({ roots: async () => [{ uri: 'file:///home', name: 'home' }] })
  expect((await ask(server, 1, 'roots/list')).result).toEqual({
    roots: [{ uri: 'file:///home', name: 'home' }],
  })
})

test('fields that are left out of an accepted form get their defaults', async () => {
  const { server } = await clientWith({ elicit: () => ({ action: 'accept', content: { age: 41 } }) })
  expect((await ask(server, 1, 'elicitation/create', form)).result).toEqual({
    action: 'accept',
    content: { name: 'John Doe', age: 41, score: 95.5, status: 'active', verified: true },
  })
})

test('a form that is not accepted, or a URL, gets no defaults', async () => {
  const answers = [{ action: 'decline' as const }, { action: 'accept' as const }]
  const { server } = await clientWith({ elicit: () => answers.shift()! })
  expect((await ask(server, 1, 'elicitation/create', form)).result).toEqual({ action: 'decline' })
  const url = { mode: 'url', message: 'Log in', elicitationId: 'e', url: 'https://example.com/' }
  expect((await ask(server, 2, 'elicitation/create', url)).result).toEqual({ action: 'accept' })
})

test('params that are wrong are told to the server, and the handler is not asked', async () => {
  const { server } = await clientWith({
    sample: () => {
      throw new Error('not to be called')
    },
  })
  const { error } = await ask(server, 1, 'sampling/createMessage', { messages: 'hi' })
  expect(error!.code).toBe(-32602)
  expect(error!.message).toMatch('Invalid params of sampling/createMessage: messages')
})

test('an McpError of a handler is what the server is told; anything else stays here', async () => {
  const logger = new Log()
  const thrown = [new McpError(-1, 'User rejected', { data: 1 }), new Error('secret')]
  const roots = () => {
    throw thrown.shift()!
  }
  const { server } = await clientWith({ roots }, { logger })
  expect((await ask(server, 1, 'roots/list')).error).toEqual({ code: -1, message: 'User rejected', data: 1 })
  expect((await ask(server, 2, 'roots/list')).error).toEqual({ code: -32603, message: 'Internal error' })
  const line = await logger.lines.next(({ level }) => level === 'error')
  expect(line.fields).toMatchObject({ err: { message: 'secret' }, method: 'roots/list' })
})

test('a request that the server cancels is aborted, and not answered', async () => {
  let aborted: unknown
  const { server, client } = await clientWith({
    roots: ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted = signal.reason
          reject(signal.reason as Error)
        })
        server.send({ method: 'notifications/cancelled', params: { requestId: 1, reason: 'too slow' } })
      }),
  })
  server.send({ id: 1, method: 'roots/list' })
  expect((await ask(server, 2, 'ping')).result).toEqual({})
  await client.ping()
  expect(aborted).toMatchObject({ name: 'AbortError', message: 'too slow' })
  expect(server.posts.all.some(({ message }) => message.id === 1 && !message.method)).toBe(false)
  server.send({ method: 'notifications/cancelled', params: { requestId: 'unknown' } })
  server.send({ method: 'notifications/cancelled' })
  await client.ping()
})

test('closing aborts the handlers that are running', async () => {
  let signal!: AbortSignal
  const { server, client } = await clientWith({
    roots: (context) => {
      signal = context.signal
      server.posts.push({} as never)
      return new Promise(() => {})
    },
  })
  server.send({ id: 1, method: 'roots/list' })
  await server.posts.next(({ message }) => message === undefined)
  await client.close()
  expect(signal.aborted).toBe(true)
})

test('the time a user takes to answer the server does not count against the call', async () => {
  const { server, client } = await clientWith(
    { elicit: () => new Promise((resolve) => setTimeout(() => resolve({ action: 'decline' }), 200)) },
    { timeoutMs: 50 },
  )
  server.answers = { 'tools/call': () => undefined }
  const call = client.callTool('ask_name')
  const { message } = await server.post('tools/call')
  await ask(server, 1, 'elicitation/create', form)
  server.send({ id: message.id, result: { content: [] } })
  await call
})
