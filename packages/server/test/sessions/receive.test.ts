import { deferred } from '@tidings/testkit/deferred'
import { Log } from '@tidings/testkit/log'
import { post } from '@tidings/testkit/post'
import { connectRaw } from '../harness/raw-client.ts'
import { start } from '../harness/start.ts'

const codeOf = async (response: Response) =>
  ((await response.json()) as { error: { code: number } }).error.code

test('what is JSON but no JSON-RPC message is an invalid request, with the reason', async () => {
  const { url } = await start()
  const { endpoint } = await connectRaw(url)
  const cases: [body: string, reason: RegExp][] = [
    ['null', /got null/],
    ['1', /got a number/],
    ['"x"', /got a string/],
    ['true', /got a boolean/],
    ['{}', /jsonrpc/],
    ['{"method":"call","params":[1,2,3],"id":1}', /jsonrpc/],
    ['{"jsonrpc":"1.0","id":1,"method":"ping"}', /jsonrpc/],
    ['{"jsonrpc":2.0,"id":1,"method":"ping"}', /jsonrpc/],
    ['{"jsonrpc":"2.0","id":1}', /error/],
    ['{"jsonrpc":"2.0","id":1,"method":null}', /method/],
    ['{"jsonrpc":"2.0","id":1,"method":{"a":1}}', /method/],
    ['{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}', /params/],
    ['{"jsonrpc":"2.0","id":1,"method":"ping","params":"x"}', /params/],
    ['{"jsonrpc":"2.0","id":1,"result":"x"}', /result/],
    ['{"jsonrpc":"2.0","id":1,"error":{"message":"x"}}', /code/],
    ['{"jsonrpc":"2.0","id":1,"error":{"code":0.5,"message":"x"}}', /code/],
  ]
  for (const [body, reason] of cases) {
    const response = await post(endpoint, body)
    expect([body, response.status]).toEqual([body, 400])
    const { error } = (await response.json()) as { error: { code: number; message: string } }
    expect(error).toEqual({ code: -32600, message: expect.stringMatching(reason) })
  }
})

test('an id that is null, no integer, not of JSON-RPC, or huge, is refused', async () => {
  const { url } = await start()
  const { endpoint } = await connectRaw(url)
  for (const id of [null, 1.5, 1e300, true, {}, [], 'x'.repeat(257), 'x'.repeat(1024 * 1024)]) {
    const response = await post(endpoint, { jsonrpc: '2.0', id, method: 'ping' })
    expect(response.status).toBe(400)
    expect(await codeOf(response)).toBe(-32600)
  }
})

test('an id of any kind that JSON-RPC has comes back as it was', async () => {
  const { url } = await start()
  const client = await connectRaw(url)
  for (const id of [0, -7, Number.MAX_SAFE_INTEGER, '', '0', '7', 'x'.repeat(256), '__proto__', 'é\n"']) {
    expect((await client.send({ id, method: 'ping' })).status).toBe(202)
    expect(await client.answer(id)).toEqual({ jsonrpc: '2.0', id, result: {} })
  }
})

test('an id that is in flight is refused, and the request that has it gets its own answer', async () => {
  const answer = deferred<string>()
  const started = deferred()
  const { url } = await start((server) =>
    server.tool('wait', {}, async () => {
      started.resolve()
      return { content: [{ type: 'text', text: await answer.promise }] }
    }),
  )
  const client = await connectRaw(url)
  const call = { method: 'tools/call', params: { name: 'wait' } }
  expect((await client.send({ id: 7, ...call })).status).toBe(202)
  await started.promise
  const second = await client.send({ id: 7, method: 'ping' })
  expect(second.status).toBe(400)
  expect(await codeOf(second)).toBe(-32600)
  expect((await client.send({ id: '7', method: 'ping' })).status).toBe(202)
  expect(await client.answer('7')).toEqual({ jsonrpc: '2.0', id: '7', result: {} })
  answer.resolve('mine')
  expect((await client.answer(7)).result.content[0].text).toBe('mine')
  expect((await client.send({ id: 7, method: 'ping' })).status).toBe(202)
})

test('a response that nobody waits for is accepted, ignored and noted', async () => {
  const logger = new Log()
  const { url } = await start(undefined, { logger })
  const client = await connectRaw(url)
  const before = client.messages.length
  expect((await client.send({ id: 99, result: {} })).status).toBe(202)
  expect((await client.send({ id: 'x', error: { code: 1, message: 'x' } })).status).toBe(202)
  expect((await client.send({ error: { code: 1, message: 'no id' } })).status).toBe(202)
  await client.request('ping')
  expect(client.messages).toHaveLength(before + 1)
  expect(logger.lines.all.filter(({ message }) => message === 'stray response')).toHaveLength(3)
})

test('the second response to one request is a stray', async () => {
  const { url } = await start((server) =>
    server.tool('roots', {}, async (_args, { roots }) => ({
      content: [],
      structuredContent: { roots: await roots() },
    })),
  )
  const client = await connectRaw(url, { capabilities: { roots: {} } })
  await client.send({ id: 'c', method: 'tools/call', params: { name: 'roots' } })
  const asked = () => client.messages.find(({ method }) => method === 'roots/list')
  await client.reader.until(() => asked() !== undefined)
  const { id } = asked()
  expect((await client.send({ id, result: { roots: [{ uri: 'file:///1' }] } })).status).toBe(202)
  expect((await client.send({ id, result: { roots: [{ uri: 'file:///2' }] } })).status).toBe(202)
  expect((await client.answer('c')).result.structuredContent).toEqual({ roots: [{ uri: 'file:///1' }] })
})

test('a notification of an unknown method, or with strange params, is accepted', async () => {
  const { url } = await start()
  const client = await connectRaw(url)
  for (const notification of [
    { method: 'notifications/nope' },
    { method: 'ping' },
    { method: 'notifications/cancelled' },
    { method: 'notifications/cancelled', params: { requestId: { a: 1 }, reason: 7 } },
    { method: 'notifications/cancelled', params: { requestId: 'unknown' } },
    { method: 'notifications/progress', params: { progressToken: 'unknown' } },
  ]) {
    const response = await client.send(notification)
    expect(response.status).toBe(202)
    expect(await response.text()).toBe('')
  }
  expect(await client.request('ping')).toMatchObject({ result: {} })
})

test('a batch is refused in a revision that has none, before anything in it is done', async () => {
  let calls = 0
  const { url } = await start((server) =>
    server.tool('count', {}, () => ({ content: [], structuredContent: { calls: ++calls } })),
  )
  const call = { jsonrpc: '2.0', id: 'b', method: 'tools/call', params: { name: 'count' } }
  for (const protocolVersion of ['2024-11-05', '2025-06-18', '2025-11-25']) {
    const client = await connectRaw(url, { protocolVersion })
    const response = await post(client.endpoint, [call])
    expect(response.status).toBe(400)
    const { error } = (await response.json()) as { error: { code: number; message: string } }
    expect(error).toEqual({ code: -32600, message: expect.stringContaining(protocolVersion) })
    await client.request('ping')
  }
  expect(calls).toBe(0)
})

test('a batch is served in 2025-03-26: one list of the answers, in order, without the notifications', async () => {
  const { url } = await start()
  const client = await connectRaw(url, { protocolVersion: '2025-03-26' })
  const batch = [
    { jsonrpc: '2.0', id: 'a', method: 'ping' },
    { jsonrpc: '2.0', method: 'notifications/nope' },
    { jsonrpc: '2.0', id: 'stray', result: {} },
    { jsonrpc: '2.0', id: 'b', method: 'nope' },
  ]
  expect((await post(client.endpoint, batch)).status).toBe(202)
  await client.reader.until(() => client.messages.some(Array.isArray))
  expect(client.messages.find(Array.isArray)).toEqual([
    { jsonrpc: '2.0', id: 'a', result: {} },
    { jsonrpc: '2.0', id: 'b', error: { code: -32601, message: 'Unknown method: nope' } },
  ])
})

test('a batch that wants no answer, or no longer wants one, gets none', async () => {
  const started = deferred()
  const { url } = await start((server) =>
    server.tool('hang', {}, () => {
      started.resolve()
      return new Promise(() => {})
    }),
  )
  const client = await connectRaw(url, { protocolVersion: '2025-03-26' })
  const quiet = [{ jsonrpc: '2.0', method: 'notifications/initialized' }]
  expect((await post(client.endpoint, quiet)).status).toBe(202)
  const hanging = [{ jsonrpc: '2.0', id: 'h', method: 'tools/call', params: { name: 'hang' } }]
  expect((await post(client.endpoint, hanging)).status).toBe(202)
  await started.promise
  await client.send({ method: 'notifications/cancelled', params: { requestId: 'h' } })
  await client.request('ping')
  expect(client.messages.filter(Array.isArray)).toEqual([])
})

test('a batch that is empty, holds what is no message, an id twice or initialize is refused whole', async () => {
  let calls = 0
  const { url } = await start((server) =>
    server.tool('count', {}, () => ({ content: [], structuredContent: { calls: ++calls } })),
  )
  const client = await connectRaw(url, { protocolVersion: '2025-03-26' })
  const call = { jsonrpc: '2.0', id: 'b', method: 'tools/call', params: { name: 'count' } }
  for (const batch of [
    [],
    [call, 1],
    [call, [call]],
    [call, call],
    [call, { ...call, method: 'initialize', id: 'i' }],
    Array.from({ length: 101 }, (_, id) => ({ ...call, id })),
  ]) {
    const response = await post(client.endpoint, batch)
    expect([batch, response.status]).toEqual([batch, 400])
    expect(await codeOf(response)).toBe(-32600)
  }
  await client.request('ping')
  expect(calls).toBe(0)
})
