import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { deferred } from '@tidings/testkit/deferred'
import { post } from '@tidings/testkit/post'
import { until } from '@tidings/testkit/until'
import type { LimitsOptions } from '../src/index.ts'
import { health, untilHealth } from './harness/health.ts'
import { listen } from './harness/listen.ts'
import { ask, modernBody, modernHeaders, send } from './harness/modern.ts'
import { connectRaw } from './harness/raw-client.ts'
import { read } from './harness/read.ts'
import { start } from './harness/start.ts'

const json = (id: number | string, method: string, params = {}) => ({ jsonrpc: '2.0', id, method, params })
const initialize = json(1, 'initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'raw', version: '0' },
})
const streamable = { Accept: 'application/json, text/event-stream' }
const as = (name: string) => ({ Authorization: name })

/** A server with a tool whose calls hang until the test lets them go on, and resources to subscribe to. */
async function limited(limits: LimitsOptions, options = {}) {
  const { promise: mayFinish, resolve: finish } = deferred()
  let aborts = 0
  /** Resolves when so many calls were aborted, which does not end them. */
  const aborted = (count: number) => until(() => aborts === count, `${count} calls aborted`)
  const serving = await start(
    (server) => {
      server.tool('hang', {}, async (_args, { signal }) => {
        signal.addEventListener('abort', () => aborts++)
        await mayFinish
        return { content: [] }
      })
      server.template('test:///{name}', {}, () => 'a')
    },
    {
      limits,
      principal: (ctx) => ctx.get('Authorization') || undefined,
      ...options,
    },
  )
  return { ...serving, finish, aborted }
}

const untilUsed = (url: string, use: Record<string, number>) =>
  untilHealth(url, ({ limits }) => Object.entries(use).every(([thing, used]) => limits[thing].used === used))

async function refusal(response: Response) {
  const { error, ...rest } = await response.json()
  expect(error.code).toBe(-32600)
  expect(error.message).toContain(`(limits.${error.data.limit})`)
  return { status: response.status, after: response.headers.get('Retry-After'), ...error.data, ...rest }
}

/** A GET that is refused. */
const open = async (url: string, headers: Record<string, string> = {}) =>
  refusal(await fetch(url, { headers: { Accept: 'text/event-stream', ...headers } }))

const hang = (id: number | string) => json(id, 'tools/call', { name: 'hang' })

test('sessions: of one principal too many are 429, of all 503; others are served', async () => {
  const { url } = await limited({ sessions: { total: 3, perPrincipal: 2 } })
  await Promise.all([read(`${url}/sse`, as('ada')), read(`${url}/sse`, as('ada'))])
  const ofAda = { status: 429, after: '1', limit: 'sessions.perPrincipal', max: 2, jsonrpc: '2.0' }
  expect(await open(`${url}/sse`, as('ada'))).toEqual(ofAda)
  await read(`${url}/sse?client_id=${crypto.randomUUID()}`, as('bob'))
  expect(await open(`${url}/sse`, as('cy'))).toEqual({
    ...ofAda,
    status: 503,
    limit: 'sessions.total',
    max: 3,
  })
  expect(await refusal(await post(`${url}/mcp`, initialize, { ...streamable, ...as('ada') }))).toEqual(ofAda)
  expect(await health(url)).toMatchObject({
    limits: { sessions: { used: 3, max: 3 }, streams: { used: 3, max: 20_000 } },
    refused: { 'sessions.perPrincipal': 2, 'sessions.total': 1 },
    sessions: { open: 3, refused: 3 },
  })
})

test('sessions: at the limit of a principal the one of its own that is away longest makes room', async () => {
  const { url } = await limited({ sessions: { perPrincipal: 2 } })
  const other = await read(`${url}/sse`, as('bob'))
  other.cut()
  await untilUsed(url, { streams: 0 })
  const away = await read(`${url}/sse`, as('ada'))
  away.cut()
  await untilUsed(url, { streams: 0 })
  await read(`${url}/sse`, as('ada'))
  await read(`${url}/sse`, as('ada'))
  expect((await health(url)).sessions).toMatchObject({ open: 3, ended: { 'too many sessions': 1 } })
  const resumed = await read(`${url}/sse`, { ...as('bob'), 'Last-Event-ID': other.lastEventId })
  expect(resumed.response.headers['tidings-recovered']).toBe('true')
})

test('streams: too many are refused at every transport, and one that takes the place of another is not', async () => {
  const { url } = await limited({ streams: { total: 3, perPrincipal: 2 } })
  const client = `client_id=${crypto.randomUUID()}`
  const first = await read(`${url}/sse`, as('ada'))
  await first.next()
  await read(`${url}/sse?${client}`, as('ada'))
  const tooMany = { status: 429, after: '1', limit: 'streams.perPrincipal', max: 2, jsonrpc: '2.0' }
  expect(await open(`${url}/sse`, as('ada'))).toEqual(tooMany)
  expect(await open(`${url}/sse?client_id=${crypto.randomUUID()}`, as('ada'))).toEqual(tooMany)
  const initialized = await post(`${url}/mcp`, initialize, { ...streamable, ...as('ada') })
  const session = { 'Mcp-Session-Id': initialized.headers.get('Mcp-Session-Id')! }
  expect(await open(`${url}/mcp`, { ...session, ...as('ada') })).toEqual(tooMany)
  const listening = { method: 'subscriptions/listen', params: { notifications: {} }, id: 'l' }
  expect(await refusal(await send(url, { ...listening, headers: as('ada') }))).toEqual({
    ...tooMany,
    id: 'l',
  })
  // Back before the server has seen that it was gone.
  const again = await read(`${url}/sse`, { ...as('ada'), 'Last-Event-ID': first.lastEventId })
  expect(again.response.headers['tidings-recovered']).toBe('true')
  await read(`${url}/sse?${client}`, as('ada'))
  await first.untilClosed()
  await listen(url, {})
  const full = { ...tooMany, status: 503, limit: 'streams.total', max: 3 }
  expect(await open(`${url}/sse`, as('bob'))).toEqual(full)
  expect(await refusal(await send(url, listening))).toEqual({ ...full, id: 'l' })
  const { sessions, limits } = await health(url)
  // Nothing was opened for those that were refused, but for the paired one, which the client can still use.
  expect([sessions.open, limits.streams.used]).toEqual([4, 3])
})

test('streams: one that answers a request is counted, and never refused', async () => {
  const { url, server } = await limited({ streams: { total: 1 } })
  server.tool('say', {}, async (_args, { progress }) => {
    progress({ progress: 1 })
    return { content: [{ type: 'text', text: String((await health(url)).limits.streams.used) }] }
  })
  await read(`${url}/sse`)
  const params = { name: 'say', _meta: { progressToken: 'p' } }
  const initialized = await post(`${url}/mcp`, initialize, streamable)
  const session = { 'Mcp-Session-Id': initialized.headers.get('Mcp-Session-Id')! }
  const answer = await post(`${url}/mcp`, json(2, 'tools/call', params), { ...streamable, ...session })
  expect(await answer.text()).toContain('"text":"2"')
  const modern = await send(url, {
    method: 'tools/call',
    params: { name: 'say' },
    meta: { progressToken: 'p' },
  })
  expect(await modern.text()).toContain('"text":"2"')
  await untilUsed(url, { streams: 1 })
})

test('requests: past the limit of all a request is refused at every transport, and can be made again', async () => {
  const { url, finish } = await limited({ requests: { total: 2 } })
  const client = await connectRaw(url)
  const mcp = `${url}/mcp?client_id=${crypto.randomUUID()}`
  await client.send(hang('a'))
  const paired = post(mcp, hang('b'))
  await untilUsed(url, { requests: 2 })
  const full = { status: 503, after: '1', limit: 'requests.total', max: 2, jsonrpc: '2.0' }
  expect(await refusal(await client.send(json('c', 'ping')))).toEqual(full)
  expect(await refusal(await post(mcp, json('c', 'ping')))).toEqual(full)
  expect(await refusal(await post(`${url}/mcp`, initialize, streamable))).toEqual(full)
  expect(await refusal(await send(url, { method: 'tools/list', id: 'm' }))).toEqual({ ...full, id: 'm' })
  expect((await health(url)).refused).toEqual({ 'requests.total': 4 })
  finish()
  expect(await client.answer('a')).toMatchObject({ result: {} })
  expect(await (await paired).json()).toMatchObject({ result: {} })
  expect(await client.request('ping')).toMatchObject({ result: {} })
  expect(await ask(url, { method: 'tools/list' })).toMatchObject({ result: {} })
  await untilUsed(url, { requests: 0 })
})

test('requests: of one principal too many are 429, and all others are served; hanging up ends no handler', async () => {
  const { url, finish, aborted } = await limited({ requests: { perPrincipal: 2 } })
  const full = { status: 429, after: '1', limit: 'requests.perPrincipal', max: 2, jsonrpc: '2.0', id: 3 }
  const calls = [1, 2].map((id) => {
    const call = { method: 'tools/call', params: { name: 'hang' }, id }
    const options = {
      method: 'POST',
      headers: { ...modernHeaders(call), ...as('ada'), 'Content-Type': 'application/json' },
    }
    return httpRequest(`${url}/mcp`, { ...options, agent: false })
      .on('error', () => {})
      .end(JSON.stringify(modernBody(call)))
  })
  await untilUsed(url, { requests: 2 })
  const list = (name: string) => send(url, { method: 'tools/list', id: 3, headers: as(name) })
  expect(await refusal(await list('ada'))).toEqual(full)
  expect((await list('bob')).status).toBe(200)
  for (const call of calls) call.destroy()
  await aborted(2)
  expect(await refusal(await list('ada'))).toEqual(full)
  finish()
  await untilUsed(url, { requests: 0 })
  expect((await list('ada')).status).toBe(200)
})

test('requests: of one session too many are 429, and all others are served; cancelling ends no handler', async () => {
  const { url, finish } = await limited({ requests: { perSession: 1 } })
  const [one, other] = await Promise.all([connectRaw(url), connectRaw(url)])
  await one.send(hang('a'))
  const full = { status: 429, limit: 'requests.perSession', max: 1 }
  expect(await refusal(await one.send(hang('b')))).toMatchObject(full)
  expect(await other.request('ping')).toMatchObject({ result: {} })
  await one.send({ method: 'notifications/cancelled', params: { requestId: 'a' } })
  expect(await refusal(await one.send(hang('b')))).toMatchObject(full)
  await untilUsed(url, { requests: 1 })
  finish()
  await untilUsed(url, { requests: 0 })
  expect(await one.request('ping')).toMatchObject({ result: {} })
})

test('requests: a client can answer and cancel however many are in flight', async () => {
  const limits = { requests: { total: 2 } }
  const serving = await start(
    (server) => {
      server.tool('ask', {}, async (_args, { elicit }) => {
        const requestedSchema = { type: 'object', properties: {} } as const
        const { action } = await elicit({ message: '?', requestedSchema })
        return { content: [{ type: 'text', text: action }] }
      })
      server.tool('hang', {}, (_args, { signal }) => {
        const { promise, resolve } = deferred<{ content: [] }>()
        signal.addEventListener('abort', () => resolve({ content: [] }))
        return promise
      })
    },
    { limits },
  )
  const client = await connectRaw(serving.url, { capabilities: { elicitation: {} } })
  await client.send(json('ask', 'tools/call', { name: 'ask' }))
  await client.send(hang('hang'))
  await client.reader.until(() => client.messages.some(({ method }) => method === 'elicitation/create'))
  const question = client.messages.find(({ method }) => method === 'elicitation/create')
  expect((await client.send(json('more', 'ping'))).status).toBe(503)
  expect((await client.send({ id: question.id, result: { action: 'decline' } })).status).toBe(202)
  expect(await client.answer('ask')).toMatchObject({ result: { content: [{ text: 'decline' }] } })
  await client.send(json('ask again', 'tools/call', { name: 'ask' }))
  expect(
    (await client.send({ method: 'notifications/cancelled', params: { requestId: 'hang' } })).status,
  ).toBe(202)
  await untilUsed(serving.url, { requests: 1 })
})

test('requests: an answer that its reader does not take is in flight until it is cut off', async () => {
  const { url, server } = await limited({}, { writeTimeoutMs: 100 })
  server.tool('large', {}, () => ({ content: [{ type: 'text', text: 'x'.repeat(20_000_000) }] }))
  const headers = { 'Content-Type': 'application/json' }
  const mcp = `${url}/mcp?client_id=${crypto.randomUUID()}`
  const request = httpRequest(mcp, { method: 'POST', headers, agent: false })
  request.end(JSON.stringify(json(1, 'tools/call', { name: 'large' })))
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  expect((await health(url)).limits.requests.used).toBe(1)
  await untilUsed(url, { requests: 0 })
  expect(await health(url)).toMatchObject({ write_timeouts: 1 })
  const received = await response.toArray().catch((error: Error) => error)
  expect(received).toMatchObject({ code: 'ECONNRESET' })
})

test('subscriptions: past a limit an error says which; unsubscribing makes room', async () => {
  const { url } = await limited({ subscriptions: { total: 4, perPrincipal: 3, perSession: 2 } })
  const [one, other] = await Promise.all([connectRaw(url), connectRaw(url)])
  const subscribe = (client: typeof one, name: string) =>
    client.request('resources/subscribe', { uri: `test:///${name}` })
  await subscribe(one, 'a')
  await subscribe(one, 'a')
  await subscribe(one, 'b')
  expect((await subscribe(one, 'c')).error).toEqual({
    code: -32602,
    message:
      'Too many resources are watched: at most 2 for one session or listen stream (limits.subscriptions.perSession)',
    data: { limit: 'subscriptions.perSession', max: 2 },
  })
  const stream = await listen(url, { resourceSubscriptions: ['test:///a', 'other:///a'] })
  await subscribe(other, 'a')
  expect((await subscribe(other, 'b')).error).toMatchObject({
    code: -32602,
    data: { limit: 'subscriptions.total', max: 4 },
  })
  const listening = {
    method: 'subscriptions/listen',
    params: { notifications: { resourceSubscriptions: ['test:///a'] } },
    id: 'l',
  }
  expect(await refusal(await send(url, listening))).toMatchObject({
    status: 503,
    limit: 'subscriptions.total',
    id: 'l',
  })
  await one.request('resources/unsubscribe', { uri: 'test:///b' })
  await one.request('resources/unsubscribe', { uri: 'test:///b' })
  await one.request('resources/unsubscribe', { uri: 'tools' })
  expect(await subscribe(other, 'b')).toMatchObject({ result: {} })
  stream.cut()
  await untilUsed(url, { subscriptions: 3 })
  const four = ['a', 'b', 'c'].map((name) => `test:///${name}`)
  await expect(listen(url, { resourceSubscriptions: four })).rejects.toThrow(
    '400: {"jsonrpc":"2.0","id":"l","error":{"code":-32602',
  )
  expect(
    await refusal(
      await send(url, { ...listening, params: { notifications: { resourceSubscriptions: four.slice(1) } } }),
    ),
  ).toMatchObject({ status: 503 })
  await one.request('initialize', initialize.params)
  await untilUsed(url, { subscriptions: 2 })
  await fetch(other.endpoint, { method: 'DELETE' })
  await untilUsed(url, { subscriptions: 0, sessions: 1 })
})

test('subscriptions: a principal cannot take those of all', async () => {
  const { url } = await limited({ subscriptions: { perPrincipal: 1 } })
  const listening = (names: string[]) => ({
    method: 'subscriptions/listen',
    params: { notifications: { resourceSubscriptions: names.map((name) => `test:///${name}`) } },
  })
  const refused = await refusal(await send(url, { ...listening(['a', 'b']), headers: as('ada') }))
  expect(refused).toMatchObject({ status: 429, limit: 'subscriptions.perPrincipal', max: 1, id: 1 })
  await listen(url, { resourceSubscriptions: ['test:///a', 'test:///b'] })
})

test('without a principal the limits of all are the only ones', async () => {
  const { url } = await limited({ sessions: { total: 3, perPrincipal: 1 }, streams: { perPrincipal: 1 } })
  for (let i = 0; i < 3; i++) await read(`${url}/sse`)
  expect(await open(`${url}/sse`)).toMatchObject({ status: 503 })
})

test('no limit is no limit, and one that could not be is told at once', async () => {
  const { url } = await limited({ sessions: { total: Infinity } })
  expect((await health(url)).limits.sessions).toEqual({ used: 0, max: null })
  for (const max of [0, -1, 1.5, NaN, '5' as unknown as number]) {
    await expect(start(undefined, { limits: { requests: { perSession: max } } })).rejects.toThrow(
      `limits.requests.perSession must be a whole number of at least 1, or Infinity; got ${max}`,
    )
  }
})

test('requests: a body that is not in order is 400 and no use of the limit, however many requests it holds', async () => {
  const { url } = await limited({ requests: { total: 2, perPrincipal: 2, perSession: 2 } })
  const batch = Array.from({ length: 10_001 }, (_, id) => json(id, 'ping'))
  const legacy = await connectRaw(url, { protocolVersion: '2025-03-26' })
  const modern = { ...modernHeaders({ method: 'ping' }), 'Content-Type': 'application/json' }
  const bodies: [string, unknown, Record<string, string>][] = [
    // Too long for a revision with batches; three are too many for the limit, but wrong in the first place.
    [legacy.endpoint, batch, {}],
    [legacy.endpoint, [...batch.slice(0, 3), json(9, 'initialize')], {}],
    // Revisions without batches.
    [(await connectRaw(url)).endpoint, batch.slice(0, 3), {}],
    [`${url}/mcp?client_id=${crypto.randomUUID()}`, batch.slice(0, 3), {}],
    [`${url}/mcp`, batch.slice(0, 3), modern],
  ]
  for (const [to, body, headers] of bodies) {
    const response = await post(to, body, headers)
    expect([response.status, response.headers.get('Retry-After')]).toEqual([400, null])
    expect((await response.json()).error.code).toBe(-32600)
  }
  // In order, but too many.
  expect((await post(legacy.endpoint, batch.slice(0, 3))).status).toBe(429)
  const { refused, limits } = await health(url)
  expect(refused).toEqual({ 'requests.perSession': 1 })
  expect(limits.requests.used).toBe(0)
})
