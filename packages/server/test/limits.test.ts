import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { deferred } from '@tidings/testkit/deferred'
import { defer } from '@tidings/testkit/disposers'
import { post } from '@tidings/testkit/post'
import { until } from '@tidings/testkit/until'
import * as z from 'zod'
import type { LimitsOptions, McpServer } from '../src/index.ts'
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

/** A tool that answers with text of a size, after a progress message if it is asked for one. */
const say = (server: McpServer) =>
  server.tool('say', { input: z.object({ bytes: z.number() }) }, ({ bytes }, { progress }) => {
    progress({ progress: 1 })
    return { content: [{ type: 'text', text: 'x'.repeat(bytes) }] }
  })
const saying = (id: number | string, bytes: number, _meta = {}) =>
  json(id, 'tools/call', { name: 'say', arguments: { bytes }, _meta })
const bytesHeld = async (url: string) => (await health(url)).limits.bytes.used as number
const untilHeld = (url: string, holds: (bytes: number) => boolean) =>
  untilHealth(url, ({ limits }) => holds(limits.bytes.used))

/** Sends the head of a request and all but the last byte of its body. */
function stopShort(port: number, bytes: number, principal = 'ada', announced = bytes + 1) {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  const answered = once(socket, 'data').then(([data]) => String(data))
  defer(socket, () => socket.destroy())
  const head = `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${principal}\r\nContent-Type: application/json`
  socket.write(`${head}\r\nContent-Length: ${announced}\r\n\r\n${' '.repeat(bytes)}`)
  return { socket, answered }
}

test('bytes: a body counts from its first byte, one that is announced does not; past the limit it is refused', async () => {
  const { url, port } = await limited({ bytes: { total: 150_000, perPrincipal: 100_000 } })
  stopShort(port, 0, 'ada', 4_000_000)
  const { socket } = stopShort(port, 60_000)
  await untilHeld(url, (bytes) => bytes >= 60_000 && bytes <= 120_000)
  const ofAda = await stopShort(port, 60_000).answered
  expect(ofAda).toMatch(/^HTTP\/1.1 429 /)
  expect(ofAda).toMatch(/Retry-After: 1\r\n[^]*for one principal \(limits.bytes.perPrincipal\)/)
  expect((await send(url, { method: 'tools/list', headers: as('bob') })).status).toBe(200)
  expect(await stopShort(port, 110_000, '').answered).toMatch(
    /^HTTP\/1.1 503 [^]*in all \(limits.bytes.total\)/,
  )
  socket.destroy()
  await untilHeld(url, (bytes) => bytes === 0)
  expect((await health(url)).refused).toEqual({ 'bytes.perPrincipal': 1, 'bytes.total': 1 })
})

test('bytes: params count until the handler is done, by the size that they have decoded', async () => {
  const { url, finish } = await limited({})
  const arrays = Array.from({ length: 1_000 }, () => [])
  const params = { name: 'hang', arguments: {}, _meta: { arrays } }
  const answered = post(`${url}/mcp?client_id=${crypto.randomUUID()}`, json(1, 'tools/call', params))
  // Their text has three bytes for each.
  await untilHeld(url, (bytes) => bytes > 50_000)
  finish()
  await answered
  await untilHeld(url, (bytes) => bytes === 0)
})

test('bytes: what a client says of itself counts, and is bounded', async () => {
  const { url } = await limited({ bytes: { perPrincipal: 40_000 } })
  const hello = (name: string, headers = {}) => {
    const params = { ...initialize.params, clientInfo: { name, version: '0' } }
    return post(`${url}/mcp`, json(1, 'initialize', params), { ...streamable, ...headers })
  }
  const { error } = await (await hello('n'.repeat(16_384))).json()
  expect(error).toMatchObject({
    code: -32602,
    message: expect.stringMatching(
      /^clientInfo and capabilities must not take more than 16384 bytes, got 164\d\d$/,
    ),
  })
  expect((await health(url)).sessions.open).toBe(0)
  const opened = await hello('n'.repeat(16_000), as('ada'))
  const session = { 'Mcp-Session-Id': opened.headers.get('Mcp-Session-Id')!, ...as('ada') }
  await untilHeld(url, (bytes) => bytes >= 16_000 && bytes < 17_000)
  await hello('n'.repeat(16_000), as('ada'))
  const refused = await (await hello('n'.repeat(16_000), as('ada'))).json()
  expect(refused.error ?? refused).toMatchObject({ data: { limit: 'bytes.perPrincipal', max: 40_000 } })
  await fetch(`${url}/mcp`, { method: 'DELETE', headers: session })
  expect((await hello('n'.repeat(16_000), as('ada'))).status).toBe(200)
})

test('bytes: watched URIs count, and have a longest length', async () => {
  const { url } = await limited({ bytes: { perSession: 20_000 } })
  const client = await connectRaw(url)
  const before = await bytesHeld(url)
  const subscribe = (name: string) => client.request('resources/subscribe', { uri: `test:///${name}` })
  const tooLong = 'A watched URI must not be longer than 8192 characters, percent-encoded; got one of 8193'
  expect((await subscribe('u'.repeat(8_185))).error).toEqual({ code: -32602, message: tooLong })
  const listening = { method: 'subscriptions/listen', id: 'l' }
  const uris = (...names: string[]) => ({
    params: { notifications: { resourceSubscriptions: names.map((name) => `test:///${name}`) } },
  })
  const refused = await send(url, { ...listening, ...uris('u'.repeat(8_185)) })
  expect([refused.status, await refused.json()]).toMatchObject([
    400,
    { error: { code: -32602, message: tooLong } },
  ])
  expect(await subscribe('a'.repeat(4_000))).toMatchObject({ result: {} })
  await untilHeld(url, (bytes) => bytes > before + 12_000)
  expect((await subscribe('b'.repeat(4_000))).error).toMatchObject({
    code: -32602,
    data: { limit: 'bytes.perSession', max: 20_000 },
  })
  const much = await send(url, { ...listening, ...uris('a'.repeat(4_000), 'b'.repeat(4_000)) })
  expect([much.status, await much.json()]).toMatchObject([
    400,
    { error: { data: { limit: 'bytes.perSession' } } },
  ])
  const stream = await listen(url, uris('c'.repeat(4_000)).params.notifications)
  await untilHeld(url, (bytes) => bytes > before + 24_000)
  stream.cut()
  await client.request('resources/unsubscribe', { uri: `test:///${'a'.repeat(4_000)}` })
  await fetch(client.endpoint, { method: 'DELETE' })
  await untilHeld(url, (bytes) => bytes === 0)
})

test('bytes: ids and progress tokens have a longest length on every transport', async () => {
  const { url } = await limited({})
  const client = await connectRaw(url)
  const mcp = `${url}/mcp?client_id=${crypto.randomUUID()}`
  const long = 'l'.repeat(257)
  const progress = json(1, 'tools/list', { _meta: { progressToken: long } })
  for (const body of [json(long, 'ping'), progress]) {
    for (const refused of [await client.send(body), await post(mcp, body)]) {
      const { error } = await refused.json()
      expect([refused.status, error.code]).toEqual([400, -32600])
      expect(error.message).toContain('expected at most 256 characters, received "lll')
    }
  }
  for (const request of [{ id: long }, { meta: { progressToken: long } }]) {
    for (const method of ['tools/list', 'subscriptions/listen']) {
      const refused = await send(url, { method, params: { notifications: {} }, ...request })
      expect([refused.status, (await refused.json()).error.code]).toEqual([400, -32600])
    }
  }
})

test('bytes: waiting messages end a session for which there is no room, as too many do', async () => {
  const { url, server } = await limited({ bytes: { perSession: 1_000_000 } })
  say(server)
  const client = await connectRaw(url)
  client.reader.cut()
  await untilHealth(url, ({ connected_clients }) => connected_clients === 0)
  await client.send(saying(1, 600_000))
  await untilHeld(url, (bytes) => bytes > 600_000)
  await client.send(saying(2, 600_000))
  await untilHealth(url, ({ sessions }) => sessions.ended['mailbox full'] === 1)
  await untilHeld(url, (bytes) => bytes === 0)
  // A message that nothing holds up may have any size.
  const reading = await connectRaw(url)
  const { result } = await reading.request('tools/call', { name: 'say', arguments: { bytes: 3_000_000 } })
  expect(result.content[0].text).toHaveLength(3_000_000)
})

test('bytes: kept messages go before anything is refused, oldest first, and who resumes past them is told', async () => {
  const { url, server } = await limited({ bytes: { total: 2_200_000 } })
  say(server)
  const reads = async (bytes: number) => {
    const client = await connectRaw(url)
    const early = client.reader.lastEventId
    await client.request('tools/call', { name: 'say', arguments: { bytes } })
    client.reader.cut()
    return { client, early }
  }
  const old = await reads(600_000)
  const recent = await reads(600_000)
  expect(await bytesHeld(url)).toBeGreaterThan(1_200_000)
  await reads(600_000)
  await untilHeld(url, (bytes) => bytes < 2_200_000)
  const resume = (early: string) => read(`${url}/sse`, { 'Last-Event-ID': early })
  const resumed = await resume(recent.early)
  expect(resumed.response.headers['tidings-recovered']).toBe('true')
  await resumed.until(() => resumed.events.some(({ data }) => data.length > 600_000), 'the answer')
  expect((await resume(old.early)).response.headers['tidings-recovered']).toBe('false')
  const { refused, sessions } = await health(url)
  expect([refused, sessions.ended]).toEqual([{}, { 'messages were lost': 1 }])
})

test('bytes: an answer that its reader does not take counts until it has left, on a stream and without', async () => {
  const { url, server } = await limited({}, { writeTimeoutMs: 500, resumeWithinMs: 50, idleTimeoutMs: 50 })
  say(server)
  const bytes = 20_000_000
  const modern = {
    method: 'tools/call',
    params: { name: 'say', arguments: { bytes } },
    meta: { progressToken: 1 },
  }
  const options = { method: 'POST', agent: false } as const
  const headers = { ...modernHeaders(modern), 'Content-Type': 'application/json' }
  const streamed = httpRequest(`${url}/mcp`, { ...options, headers }).on('error', () => {})
  streamed.end(JSON.stringify(modernBody(modern)))
  const mcp = `${url}/mcp?client_id=${crypto.randomUUID()}`
  const plain = httpRequest(mcp, { ...options, headers: { 'Content-Type': 'application/json' } }).on(
    'error',
    () => {},
  )
  plain.end(JSON.stringify(saying(1, bytes)))
  for (const request of [streamed, plain])
    request.on('response', (response) => response.on('error', () => {}))
  await untilHeld(url, (held) => held > 2 * bytes)
  await untilHeld(url, (held) => held === 0)
})
