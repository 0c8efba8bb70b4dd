import { rejection } from '@tidings/testkit/rejection'
import { type ConnectOptions, type Handlers, McpError, ProtocolError, TimeoutError } from '../../src/index.ts'
import { connected, fakeStateless } from '../harness/harness.ts'

const transport = 'stateless'
const form = {
  method: 'elicitation/create',
  params: { message: 'Who?', requestedSchema: { type: 'object', properties: {} } },
}
const sample = { method: 'sampling/createMessage', params: { messages: [], maxTokens: 5 } }
const roots = { method: 'roots/list' }
const needs = (more: object) => ({ resultType: 'input_required', ...more })

const handlers: Handlers = {
  elicit: () => ({ action: 'accept', content: { name: 'Ada' } }),
  sample: () => ({ role: 'assistant', content: { type: 'text', text: 'hello' }, model: 'none' }),
  roots: () => [{ uri: 'file:///home' }],
}

/** A server that gives these results one after the other to one method, and a client of it. */
async function asking(method: string, results: object[], options: ConnectOptions = {}) {
  const server = await fakeStateless()
  const left = [...results]
  server.answers = { [method]: () => left.shift() }
  const client = await connected(server.url, { transport, handlers, ...options })
  const sent = () =>
    server.posts.all.filter(({ message }) => message.method === method).map(({ message }) => message)
  return { server, client, sent }
}

test('what the server requires is answered by the handlers, and the request made again with it', async () => {
  const state = 'é "\\u0041" \u2028 not to be touched '
  const { client, sent } = await asking('tools/call', [
    needs({ inputRequests: { user: form, capital: sample, dirs: roots }, requestState: state }),
    { content: [], done: true },
  ])
  expect(await client.callTool('x', { a: 1 })).toMatchObject({ done: true })
  const [first, second] = sent()
  expect(first!.params).not.toHaveProperty('inputResponses')
  expect(first!.params).not.toHaveProperty('requestState')
  expect(second!.id).not.toBe(first!.id)
  expect(second!.params).toMatchObject({ name: 'x', arguments: { a: 1 }, requestState: state })
  expect(second!.params.inputResponses).toEqual({
    user: { action: 'accept', content: { name: 'Ada' } },
    capital: { role: 'assistant', content: { type: 'text', text: 'hello' }, model: 'none' },
    dirs: { roots: [{ uri: 'file:///home' }] },
  })
  expect(second!.params._meta.progressToken).toBe(second!.id)
})

test('each round answers what it was asked, and no more', async () => {
  const { client, sent } = await asking('tools/call', [
    needs({ inputRequests: { one: form }, requestState: 's1' }),
    needs({ inputRequests: { two: roots } }),
    needs({ requestState: 's3' }),
    { content: [] },
  ])
  await client.callTool('x')
  const given = sent().map(({ params }) => [Object.keys(params.inputResponses ?? {}), params.requestState])
  expect(given).toEqual([
    [[], undefined],
    [['one'], 's1'],
    [['two'], undefined],
    [[], 's3'],
  ])
  expect(sent()[3]!.params).not.toHaveProperty('inputResponses')
})

test.each([
  ['prompts/get', { messages: [] }],
  ['resources/read', { contents: [] }],
] as const)('%s may require input, too', async (method, result) => {
  const { client, sent } = await asking(method, [needs({ inputRequests: { one: form } }), result])
  const done = method === 'prompts/get' ? client.getPrompt('p') : client.readResource('x://1')
  expect(await done).toMatchObject(result)
  expect(sent()).toHaveLength(2)
})

test("the handlers run at the same time; the time they take is not the server's", async () => {
  let running = 0
  let most = 0
  const slow = async () => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setTimeout(resolve, 100))
    running--
    return { action: 'decline' } as const
  }
  const { client } = await asking(
    'tools/call',
    [needs({ inputRequests: { a: form, b: form, c: form } }), { content: [] }],
    { handlers: { elicit: slow } },
  )
  await client.callTool('x', {}, { timeoutMs: 90 })
  expect(most).toBe(3)
})

test('defaults are filled in as in the other era', async () => {
  const requestedSchema = { type: 'object', properties: { age: { type: 'integer', default: 30 } } }
  const request = { method: 'elicitation/create', params: { message: 'Who?', requestedSchema } }
  const { client, sent } = await asking('tools/call', [
    needs({ inputRequests: { a: request } }),
    { content: [] },
  ])
  await client.callTool('x')
  expect(sent()[1]!.params.inputResponses.a.content).toEqual({ name: 'Ada', age: 30 })
})

test('a server that asks for what there is no handler for gets no answer', async () => {
  const { client, sent } = await asking('tools/call', [needs({ inputRequests: { a: sample } })], {
    handlers: {},
  })
  const error = await rejection(client.callTool('x'))
  expect(error).toBeInstanceOf(ProtocolError)
  expect(error.message).toBe(
    'The server requires sampling/createMessage, for which this client was given no handler',
  )
  expect(sent()).toHaveLength(1)
})

test('when a handler throws, that is what the call throws, and the others are told', async () => {
  let signal: AbortSignal | undefined
  const failing: Handlers = {
    elicit: () => Promise.reject(new Error('no user here')),
    sample: (_params, context) => {
      signal = context.signal
      return new Promise(() => {})
    },
  }
  const { client } = await asking('tools/call', [needs({ inputRequests: { a: sample, b: form } })], {
    handlers: failing,
  })
  expect((await rejection(client.callTool('x'))).message).toBe('no user here')
  expect(signal!.aborted).toBe(true)
})

test('a request of another kind is not a result', async () => {
  const { client } = await asking('tools/call', [needs({ inputRequests: { a: { method: 'ping' } } })])
  expect(await rejection(client.callTool('x'))).toBeInstanceOf(ProtocolError)
  const neither = await asking('tools/call', [needs({})])
  expect(await rejection(neither.client.callTool('x'))).toBeInstanceOf(ProtocolError)
})

test('a server that never has enough is left after ten rounds', async () => {
  const server = await fakeStateless()
  server.answers = { 'tools/call': () => needs({ inputRequests: { a: form } }) }
  const client = await connected(server.url, { transport, handlers })
  const error = await rejection(client.callTool('x'))
  expect(error).toBeInstanceOf(ProtocolError)
  expect(error.message).toMatch('required input 11 times')
  expect(server.methods.filter((method) => method === 'tools/call')).toHaveLength(11)
})

test('a server that asks for nothing is asked again at once, and then more slowly', async () => {
  const { client } = await asking('tools/call', [
    needs({ requestState: 's1' }),
    needs({ requestState: 's2' }),
    { content: [] },
  ])
  const startedAt = Date.now()
  await client.callTool('x')
  expect(Date.now() - startedAt).toBeGreaterThanOrEqual(990)
  const once = await asking('tools/call', [needs({ requestState: 's1' }), { content: [] }])
  const againAt = Date.now()
  await once.client.callTool('x')
  expect(Date.now() - againAt).toBeLessThan(900)
})

test('a call is given up in the midst of its rounds by its signal, and by the time it may take in all', async () => {
  const signals: AbortSignal[] = []
  const waiting: Handlers = {
    elicit: (_params, { signal }) => {
      signals.push(signal)
      return new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      )
    },
  }
  const requires = needs({ inputRequests: { a: form } })
  const { client } = await asking('tools/call', [requires, requires], { handlers: waiting })
  const abort = new AbortController()
  const call = rejection(client.callTool('x', {}, { signal: abort.signal }))
  while (signals.length === 0) await client.ping()
  abort.abort(new Error('enough'))
  expect((await call).message).toBe('enough')
  const timedOut = await rejection(client.callTool('x', {}, { totalTimeoutMs: 50 }))
  expect(timedOut).toBeInstanceOf(TimeoutError)
  expect(signals.every(({ aborted }) => aborted)).toBe(true)
})

test("an error in a later round is the call's", async () => {
  const { client } = await asking('tools/call', [
    needs({ inputRequests: { a: form } }),
    { error: { code: -32602, message: 'the state has expired' } },
  ])
  expect(await rejection(client.callTool('x'))).toBeInstanceOf(McpError)
})
