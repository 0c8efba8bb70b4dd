import { randomUUID } from 'node:crypto'
import { deferred } from '@tidings/testkit/deferred'
import { Log } from '@tidings/testkit/log'
import { post } from '@tidings/testkit/post'
import { errorCodes, McpError } from '../../src/index.ts'
import { untilHealth } from '../harness/health.ts'
import { connectRaw } from '../harness/raw-client.ts'
import { read } from '../harness/read.ts'
import { start } from '../harness/start.ts'
import { asked, call, sendCall, sent, startWith, type Talk } from '../harness/talk.ts'

const form = { message: 'Name?', requestedSchema: { type: 'object' as const, properties: {} } }
const page = { mode: 'url' as const, message: 'Sign in', elicitationId: 'e', url: 'https://example.com/' }
const question = { messages: [], maxTokens: 1 }

test('a client that did not declare what a handler needs is not asked, and the handler is told', async () => {
  const asks: [words: string, ask: Talk, capabilities: object][] = [
    ['elicitation/create needs a client with the capability "elicitation"', ({ elicit }) => elicit(form), {}],
    ['elicitation/create needs a client with the capability "elicitation"', ({ elicit }) => elicit(page), {}],
    ['capability "elicitation.url"', ({ elicit }) => elicit(page), { elicitation: {} }],
    ['capability "elicitation.url"', ({ elicit }) => elicit(page), { elicitation: { form: {} } }],
    ['capability "elicitation.form"', ({ elicit }) => elicit(form), { elicitation: { url: {} } }],
    [
      'sampling/createMessage needs a client with the capability "sampling"',
      ({ sample }) => sample(question),
      {},
    ],
    ['capability "sampling.tools"', ({ sample }) => sample({ ...question, tools: [] }), { sampling: {} }],
    [
      'capability "sampling.tools"',
      ({ sample }) => sample({ ...question, toolChoice: {} }),
      { sampling: {} },
    ],
    ['roots/list needs a client with the capability "roots"', ({ roots }) => roots(), {}],
  ]
  let ask: Talk = () => {}
  const { url } = await startWith((context) => ask(context))
  for (const [words, talk, capabilities] of asks) {
    ask = talk
    const client = await connectRaw(url, { capabilities })
    const { error } = await call(client)
    expect(error).toEqual({ code: errorCodes.invalidRequest, message: expect.stringContaining(words) })
    expect(client.messages.filter(({ method }) => method !== undefined)).toEqual([])
  }
})

test('a client is asked for what it declared, in every mode', async () => {
  let ask: Talk = () => {}
  const { url } = await startWith((context) => ask(context))
  const accepted = { action: 'accept', content: { name: 'Ada' } }
  const said = { role: 'assistant', model: 'm', content: { type: 'text', text: 'Yes' } }
  const root = { uri: 'file:///garden' }
  for (const [capabilities, talk, method, params, answer, given] of [
    [{ elicitation: {} }, ({ elicit }) => elicit(form), 'elicitation/create', form, accepted, accepted],
    [
      { elicitation: { form: {} } },
      ({ elicit }) => elicit(form),
      'elicitation/create',
      form,
      accepted,
      accepted,
    ],
    [
      { elicitation: { url: {} } },
      ({ elicit }) => elicit(page),
      'elicitation/create',
      page,
      { action: 'decline' },
      { action: 'decline' },
    ],
    [{ sampling: {} }, ({ sample }) => sample(question), 'sampling/createMessage', question, said, said],
    [
      { sampling: { tools: {} } },
      ({ sample }) => sample({ ...question, tools: [] }),
      'sampling/createMessage',
      { ...question, tools: [] },
      said,
      said,
    ],
    [{ roots: {} }, ({ roots }) => roots(), 'roots/list', {}, { roots: [root] }, [root]],
  ] satisfies [object, Talk, string, object, object, unknown][]) {
    ask = talk
    const client = await connectRaw(url, { capabilities })
    await sendCall(client, 'c')
    const request = await asked(client, method)
    expect(request).toEqual({ jsonrpc: '2.0', id: expect.any(Number), method, params })
    await client.send({ id: request.id, result: answer })
    expect((await client.answer('c')).result.structuredContent).toEqual({ result: given })
  }
})

test('an error that the client answers is thrown as it is; an answer that is malformed, as an error', async () => {
  const thrown: unknown[] = []
  const { url } = await startWith(({ roots }) => roots().catch((error: unknown) => void thrown.push(error)))
  const client = await connectRaw(url, { capabilities: { roots: {} } })
  await sendCall(client, 'a')
  const { id } = await asked(client, 'roots/list')
  await client.send({ id, error: { code: -1, message: 'No', data: [1] } })
  await client.answer('a')
  await sendCall(client, 'b')
  await client.reader.until(() => sent(client, 'roots/list').length === 2)
  await client.send({ id: sent(client, 'roots/list')[1].id, result: { roots: [{ uri: 7 }] } })
  await client.answer('b')
  for (const error of thrown) expect(error).toBeInstanceOf(McpError)
  expect(thrown).toMatchObject([
    { code: -1, message: 'No', data: [1] },
    {
      code: errorCodes.internalError,
      message: expect.stringMatching(/^Invalid result of roots\/list: roots\.0\.uri/),
    },
  ])
})

test('what a cancelled request had asked of the client is cancelled with it, and cannot be asked again', async () => {
  const errors: unknown[] = []
  const done = deferred()
  const { url } = await startWith(async ({ roots }) => {
    await roots().catch((error: unknown) => void errors.push(error))
    await roots().catch((error: unknown) => void errors.push(error))
    done.resolve()
  })
  const client = await connectRaw(url, { capabilities: { roots: {} } })
  await sendCall(client, 'c')
  const { id } = await asked(client, 'roots/list')
  await client.send({ method: 'notifications/cancelled', params: { requestId: 'c', reason: 'enough' } })
  await done.promise
  expect(await asked(client, 'notifications/cancelled')).toEqual({
    jsonrpc: '2.0',
    method: 'notifications/cancelled',
    params: { requestId: id, reason: 'enough' },
  })
  expect(errors).toMatchObject([{ name: 'AbortError', message: 'enough' }, { name: 'AbortError' }])
  expect(sent(client, 'roots/list')).toHaveLength(1)
})

test('an answer of a paired client may have the id of a call it waits for', async () => {
  const { url } = await startWith(async ({ roots }) => {
    const first = await roots()
    return [first, await roots()]
  })
  const client_id = randomUUID()
  const reader = await read(`${url}/sse?client_id=${client_id}`)
  const send = (message: object) => post(`${url}/mcp?client_id=${client_id}`, { jsonrpc: '2.0', ...message })
  const clientInfo = { name: 'paired', version: '1' }
  const params = { protocolVersion: '2025-11-25', capabilities: { roots: {} }, clientInfo }
  await send({ id: 0, method: 'initialize', params })
  const answer = send({ id: 1, method: 'tools/call', params: { name: 'talk' } })
  for (const id of [1, 2]) {
    expect(await reader.message()).toMatchObject({ id, method: 'roots/list' })
    expect((await send({ id, result: { roots: [] } })).status).toBe(202)
  }
  expect(await (await answer).json()).toMatchObject({
    id: 1,
    result: { structuredContent: { result: [[], []] } },
  })
})

test("a client's error to a question fails the tool in words, and a prompt or a read with a code of its own", async () => {
  const logger = new Log()
  const { url } = await start(
    (server) => {
      server.tool('ask', {}, async (_args, { roots }) => ({ structuredContent: { roots: await roots() } }))
      server.prompt('ask', {}, async (_args, { roots }) => ({ messages: [], roots: await roots() }))
      server.resource('test://ask', {}, async ({ roots }) => ({ roots: await roots() }))
    },
    { logger },
  )
  const client = await connectRaw(url, { capabilities: { roots: {} } })
  const fails = async (method: string, params: object, answer: object) => {
    const before = sent(client, 'roots/list').length
    await client.send({ id: `${method} ${before}`, method, params })
    await client.reader.until(() => sent(client, 'roots/list').length > before)
    await client.send({ id: sent(client, 'roots/list').at(-1).id, ...answer })
    return client.answer(`${method} ${before}`)
  }
  const unknown = { error: { code: -32601, message: 'Method not found' } }
  const words = 'The client answered roots/list with an error: Method not found (code -32601)'
  expect((await fails('tools/call', { name: 'ask' }, unknown)).result).toEqual({
    isError: true,
    content: [{ type: 'text', text: words }],
  })
  for (const [method, params] of [
    ['prompts/get', { name: 'ask' }],
    ['resources/read', { uri: 'test://ask' }],
  ] as const) {
    expect((await fails(method, params, unknown)).error).toEqual({
      code: errorCodes.internalError,
      message: words,
    })
  }
  const { result } = await fails('tools/call', { name: 'ask' }, { result: { roots: 7 } })
  expect(result).toMatchObject({
    isError: true,
    content: [{ text: expect.stringContaining('The client answered roots/list with no result of it') }],
  })
  // An error of the client is not one of the server.
  expect(logger.errors).toEqual([])
})

test.each([
  ['streamable-http', { Accept: 'application/json' }],
  ['paired', {}],
] as const)(
  'a question that nobody can receive is an error within seconds (%s)',
  async (transport, headers) => {
    const { url } = await startWith(({ elicit }) => elicit(form))
    const mcp = transport === 'paired' ? `${url}/mcp?client_id=${randomUUID()}` : `${url}/mcp`
    const clientInfo = { name: 'deaf', version: '1' }
    const params = { protocolVersion: '2025-11-25', capabilities: { elicitation: {} }, clientInfo }
    const opened = await post(mcp, { jsonrpc: '2.0', id: 0, method: 'initialize', params }, headers)
    await opened.text()
    const session = { 'Mcp-Session-Id': opened.headers.get('Mcp-Session-Id') ?? '' }
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'talk' } }
    const response = await post(mcp, message, { ...headers, ...session })
    expect(await response.json()).toMatchObject({
      id: 1,
      result: {
        isError: true,
        content: [
          {
            text: 'elicitation/create cannot reach the client: it has no stream open, and takes none as the response to its request',
          },
        ],
      },
    })
  },
  10_000,
)

test('a client whose stream is lost may come back for a question, for as long as it may be away', async () => {
  const { url } = await startWith(({ roots }) => roots(), undefined, { resumeWithinMs: 1_500 })
  const client_id = randomUUID()
  const mcp = `${url}/mcp?client_id=${client_id}`
  const clientInfo = { name: 'paired', version: '1' }
  const params = { protocolVersion: '2025-11-25', capabilities: { roots: {} }, clientInfo }
  const send = (message: object) => post(mcp, { jsonrpc: '2.0', ...message })
  await (await send({ id: 0, method: 'initialize', params })).text()
  const reader = await read(`${url}/sse?client_id=${client_id}`)
  reader.cut()
  await untilHealth(url, ({ connected_clients }) => connected_clients === 0)
  const call = (id: number) => send({ id, method: 'tools/call', params: { name: 'talk' } })
  const answered = call(1)
  await untilHealth(url, ({ limits }) => limits.requests.used === 1)
  const back = await read(`${url}/sse?client_id=${client_id}`)
  const question = await back.message()
  await send({ id: question.id, result: { roots: [] } })
  expect(await (await answered).json()).toMatchObject({ result: { structuredContent: { result: [] } } })
  back.cut()
  await untilHealth(url, ({ connected_clients }) => connected_clients === 0)
  expect(await (await call(2)).json()).toMatchObject({ result: { isError: true } })
}, 15_000)
