import { randomUUID } from 'node:crypto'
import { deferred } from '@tidings/testkit/deferred'
import { post } from '@tidings/testkit/post'
import { errorCodes, McpError } from '../../src/index.ts'
import { connectRaw } from '../harness/raw-client.ts'
import { read } from '../harness/read.ts'
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
