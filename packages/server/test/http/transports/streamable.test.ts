import { headers as mcpHeaders } from '@tidings/protocol'
import * as z from 'zod'
import { deferred } from '@tidings/testkit/deferred'
import { post } from '@tidings/testkit/post'
import { health } from '../../harness/health.ts'
import { heapUsed } from '@tidings/testkit/heap-used'
import { read } from '../../harness/read.ts'
import { start } from '../../harness/start.ts'

const accept = 'application/json, text/event-stream'
const initialize = (protocolVersion = '2025-11-25', capabilities = {}) => ({
  jsonrpc: '2.0',
  id: 'init',
  method: 'initialize',
  params: { protocolVersion, capabilities, clientInfo: { name: 'raw', version: '0' } },
})

/** A session over Streamable HTTP, opened by hand. */
async function open(url: string, protocolVersion?: string, capabilities?: object) {
  const response = await post(`${url}/mcp`, initialize(protocolVersion, capabilities), { Accept: accept })
  expect(response.status).toBe(200)
  const session = {
    Accept: accept,
    [mcpHeaders.sessionId]: response.headers.get(mcpHeaders.sessionId)!,
    [mcpHeaders.protocolVersion]: protocolVersion ?? '2025-11-25',
  }
  const send = (message: object, more: Record<string, string> = {}) =>
    post(`${url}/mcp`, { jsonrpc: '2.0', ...message }, { ...session, ...more })
  const { status } = await send({ method: 'notifications/initialized' })
  expect(status).toBe(202)
  return { initialized: await response.json(), session, send }
}

/** The events of a response that is a stream, all of them. */
async function eventsOf(response: Response): Promise<{ id?: string; data: string }[]> {
  expect(response.headers.get('Content-Type')).toBe('text/event-stream')
  return (await response.text())
    .split('\n\n')
    .filter((event) => event !== '' && !event.startsWith(':'))
    .map((event) => {
      const fields = Object.fromEntries(event.split('\n').map((line) => line.split(/: ?(.*)/).slice(0, 2)))
      return fields as { id?: string; data: string }
    })
}

test('initialize opens a session, whose id all that follows must carry', async () => {
  const { url } = await start()
  const { initialized, session, send } = await open(url)
  expect(initialized).toMatchObject({ id: 'init', result: { protocolVersion: '2025-11-25' } })
  expect(session[mcpHeaders.sessionId]).toMatch(/^[\x21-\x7e]{22,}$/)
  const ping = await send({ id: 1, method: 'ping' })
  expect([ping.status, ping.headers.get('Content-Type')]).toEqual([200, 'application/json; charset=utf-8'])
  expect(await ping.json()).toEqual({ jsonrpc: '2.0', id: 1, result: {} })
  const message = { jsonrpc: '2.0', id: 1, method: 'ping' }
  expect((await post(`${url}/mcp`, message, { Accept: accept })).status).toBe(400)
  expect((await post(`${url}/mcp`, message, { Accept: accept, 'Mcp-Session-Id': 'unknown' })).status).toBe(
    404,
  )
})

test('an initialize that fails opens no session', async () => {
  const { url } = await start()
  const bad = { jsonrpc: '2.0', id: 1, method: 'initialize', params: {} }
  const response = await post(`${url}/mcp`, bad, { Accept: accept })
  expect(await response.json()).toMatchObject({ id: 1, error: { code: -32602 } })
  expect(await health(url)).toMatchObject({ sessions: { open: 0 } })
})

test('a request is answered by a stream as soon as something is sent before its answer', async () => {
  const { url } = await start((server) => {
    server.tool('steps', {}, (_args, { progress, log }) => {
      progress({ progress: 1, total: 2 })
      log('info', 'half way')
      return { content: [{ type: 'text', text: 'done' }] }
    })
  })
  const { send } = await open(url)
  const params = { name: 'steps', _meta: { progressToken: 'p' } }
  const events = await eventsOf(await send({ id: 1, method: 'tools/call', params }))
  expect(events[0]).toMatchObject({ retry: '1000', data: '' })
  expect(events.slice(1).map(({ data }) => JSON.parse(data))).toMatchObject([
    { method: 'notifications/progress', params: { progressToken: 'p', progress: 1 } },
    { method: 'notifications/message', params: { data: 'half way' } },
    { id: 1, result: { content: [{ text: 'done' }] } },
  ])
  expect(new Set(events.map(({ id }) => id)).size).toBe(4)
})

test('before 2025-11-25 no event without data is sent', async () => {
  const { url } = await start((server) => {
    server.tool('log', {}, (_args, { log }) => {
      log('info', 'x')
      return { content: [] }
    })
  })
  const { send } = await open(url, '2025-06-18')
  const events = await eventsOf(await send({ id: 1, method: 'tools/call', params: { name: 'log' } }))
  expect(events.flatMap(({ data }) => data ?? []).length).toBe(2)
})

test('what a client accepts decides how it is answered', async () => {
  const { url } = await start((server) => {
    server.tool('log', {}, (_args, { log }) => {
      log('info', 'x')
      return { content: [] }
    })
  })
  const { send } = await open(url)
  const call = { id: 1, method: 'tools/call', params: { name: 'log' } }
  const json = await send(call, { Accept: 'application/json' })
  expect(await json.json()).toMatchObject({ id: 1, result: { content: [] } })
  const [, answer] = await eventsOf(await send({ id: 2, method: 'ping' }, { Accept: 'text/event-stream' }))
  expect(JSON.parse(answer!.data)).toEqual({ jsonrpc: '2.0', id: 2, result: {} })
  expect((await send({ id: 3, method: 'ping' }, { Accept: '*/*;q=0.5' })).status).toBe(200)
  expect((await send({ id: 3, method: 'ping' }, { Accept: 'text/html' })).status).toBe(406)
})

test('a server that is told to answers by JSON; what comes before an answer is on the stream of the session', async () => {
  const { url } = await start(
    (server) => {
      server.tool('log', {}, (_args, { log, closeStream }) => {
        log('info', 'on the way')
        closeStream()
        return { content: [] }
      })
    },
    { responses: 'json' },
  )
  const { session, send } = await open(url)
  const stream = await read(`${url}/mcp`, session)
  await stream.next()
  const answer = await send({ id: 1, method: 'tools/call', params: { name: 'log' } })
  expect(await answer.json()).toMatchObject({ id: 1, result: { content: [] } })
  expect(await stream.message()).toMatchObject({ params: { data: 'on the way' } })
  expect(await eventsOf(await send({ id: 2, method: 'ping' }, { Accept: 'text/event-stream' }))).toHaveLength(
    2,
  )
})

test('a server that is told to answers by a stream, but for who accepts none', async () => {
  const { url } = await start(() => {}, { responses: 'sse' })
  const response = await post(`${url}/mcp`, initialize(), { Accept: accept })
  const session = { [mcpHeaders.sessionId]: response.headers.get(mcpHeaders.sessionId)! }
  const [, initialized] = await eventsOf(response)
  expect(JSON.parse(initialized!.data)).toMatchObject({
    id: 'init',
    result: { serverInfo: { name: 'test' } },
  })
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  const [, answer] = await eventsOf(await post(`${url}/mcp`, ping, { ...session, Accept: accept }))
  expect(JSON.parse(answer!.data)).toEqual({ jsonrpc: '2.0', id: 1, result: {} })
  const json = await post(`${url}/mcp`, ping, { ...session, Accept: 'application/json' })
  expect(await json.json()).toEqual({ jsonrpc: '2.0', id: 1, result: {} })
})

test('the session has a stream of its own: changes, one at a time, resumed by the last event id', async () => {
  const { url, server } = await start((server) => void server.resource('test://a', {}, () => 'a'))
  const { session, send } = await open(url)
  const first = await read(`${url}/mcp`, session)
  expect(await first.next()).toMatchObject({ data: '' })
  await send({ id: 1, method: 'resources/subscribe', params: { uri: 'test://a' } })
  server.changed('test://a')
  expect(await first.message()).toMatchObject({ method: 'notifications/resources/updated' })
  const second = await read(`${url}/mcp`, session)
  await first.untilClosed()
  second.cut()
  server.listChanged('tools')
  server.changed('test://a')
  server.changed('test://a')
  const third = await read(`${url}/mcp`, { ...session, 'Last-Event-ID': first.lastEventId })
  expect(third.response.headers['tidings-recovered']).toBe('true')
  await third.next()
  expect(await third.message()).toMatchObject({ method: 'notifications/tools/list_changed' })
  expect(await third.message()).toMatchObject({ method: 'notifications/resources/updated' })
  third.cut()
  // An id that says nothing here: told all that changed since it was subscribed to, rather than losing something.
  const fourth = await read(`${url}/mcp`, { ...session, 'Last-Event-ID': 'nonsense' })
  expect(fourth.response.headers['tidings-recovered']).toBe('false')
  await fourth.next()
  expect(await fourth.message()).toMatchObject({ method: 'notifications/tools/list_changed' })
  expect(await fourth.message()).toMatchObject({ method: 'notifications/resources/updated' })
})

test("a request's stream that broke is resumed, and has its own events only", async () => {
  const half = deferred<void>()
  const { url, server } = await start((server) => {
    server.tool('slow', {}, async (_args, { log }) => {
      log('info', 'one')
      await half.promise
      log('info', 'two')
      return { content: [{ type: 'text', text: 'done' }] }
    })
  })
  const { session, send } = await open(url)
  const own = await read(`${url}/mcp`, session)
  await own.next()
  const gone = new AbortController()
  const response = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: { ...session, 'Content-Type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'slow' } }),
    signal: gone.signal,
  })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('"one"')) text += (await reader.read()).value
  const [, id] = /id: (\S+)\nevent: message/.exec(text)!
  gone.abort()
  half.resolve()
  const resumed = await read(`${url}/mcp`, { ...session, 'Last-Event-ID': id! })
  expect(await resumed.next()).toMatchObject({ data: '' })
  expect(await resumed.message()).toMatchObject({ params: { data: 'two' } })
  expect(await resumed.message()).toMatchObject({ id: 1, result: { content: [{ text: 'done' }] } })
  await resumed.untilClosed()
  server.listChanged('tools')
  expect(await own.message()).toMatchObject({ method: 'notifications/tools/list_changed' })
  expect(own.events).toHaveLength(2)
  await send({ id: 2, method: 'ping' })
})

test('a handler may end the response early; the client comes back for the rest', async () => {
  const half = deferred<void>()
  const { url } = await start((server) => {
    server.tool('poll', {}, async (_args, { closeStream }) => {
      closeStream()
      await half.promise
      return { content: [{ type: 'text', text: 'done' }] }
    })
  })
  const { session, send } = await open(url)
  const events = await eventsOf(await send({ id: 1, method: 'tools/call', params: { name: 'poll' } }))
  expect(events[0]).toMatchObject({ retry: '1000', data: '' })
  const resumed = await read(`${url}/mcp`, { ...session, 'Last-Event-ID': events[0]!.id! })
  half.resolve()
  await resumed.next()
  expect(await resumed.message()).toMatchObject({ id: 1, result: { content: [{ text: 'done' }] } })
})

test('the server asks on the stream of the request', async () => {
  const { url } = await start((server) => {
    server.tool('where', {}, async (_args, { roots }) => ({
      content: [{ type: 'text', text: (await roots())[0]!.uri }],
    }))
  })
  const { session, send } = await open(url, '2025-11-25', { roots: {} })
  const response = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: { ...session, 'Content-Type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'where' } }),
  })
  let text = ''
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    const [, ask] = /data: (.*roots\/list.*)\n/.exec(text) ?? []
    if (ask === undefined || text.includes('file:///garden')) continue
    const { id } = JSON.parse(ask) as { id: number }
    await send({ id, result: { roots: [{ uri: 'file:///garden' }] } })
  }
  expect(text).toMatch('file:///garden')
})

test('DELETE ends the session', async () => {
  const { url } = await start()
  const { session, send } = await open(url)
  const stream = await read(`${url}/mcp`, session)
  expect((await fetch(`${url}/mcp`, { method: 'DELETE', headers: session })).status).toBe(204)
  await stream.untilClosed()
  expect((await send({ id: 1, method: 'ping' })).status).toBe(404)
  expect((await fetch(`${url}/mcp`, { method: 'DELETE', headers: session })).status).toBe(404)
  expect((await fetch(`${url}/mcp`, { method: 'DELETE' })).status).toBe(400)
})

test('another principal cannot use the session, its streams or its end', async () => {
  const principal = (ctx: any) => ctx.get('Authorization') || undefined
  const { url } = await start(() => {}, { principal })
  const { session, send } = await open(url)
  const theirs = { Authorization: 'mallory' }
  expect((await send({ id: 1, method: 'ping' }, theirs)).status).toBe(403)
  for (const method of ['GET', 'DELETE']) {
    const response = await fetch(`${url}/mcp`, { method, headers: { ...session, ...theirs } })
    expect(response.status).toBe(403)
  }
  expect((await send({ id: 1, method: 'ping' })).status).toBe(200)
})

test.each([true, false])(
  'a client may send its newest revision in the header of initialize, too; keepSessions: %j',
  async (keepSessions) => {
    const { url } = await start(() => {}, { keepSessions })
    for (const version of ['2099-01-01', '2026-07-28', 'draft', '2024-11-05']) {
      for (const path of ['/mcp', '/sse', '/mcp/']) {
        const headers = { Accept: accept, [mcpHeaders.protocolVersion]: version }
        const response = await post(url + path, initialize(version), headers)
        const protocolVersion = version === '2024-11-05' ? version : '2025-11-25'
        expect(await response.json()).toMatchObject({ id: 'init', result: { protocolVersion } })
        // What was negotiated counts from then on.
        const session = keepSessions ? { 'Mcp-Session-Id': response.headers.get('Mcp-Session-Id')! } : {}
        const later = { ...headers, ...session, [mcpHeaders.protocolVersion]: '2099-01-01' }
        expect((await post(url + path, { jsonrpc: '2.0', id: 1, method: 'ping' }, later)).status).toBe(400)
      }
    }
  },
)

test('a revision that is not of this era is refused; none means 2025-03-26, which has batches', async () => {
  const { url } = await start()
  const { session, send } = await open(url, '2025-03-26')
  expect((await send({ id: 1, method: 'ping' }, { [mcpHeaders.protocolVersion]: '1999-01-01' })).status).toBe(
    400,
  )
  const batch = [1, 2].map((id) => ({ jsonrpc: '2.0', id, method: 'ping' }))
  const response = await post(`${url}/mcp`, batch, {
    Accept: accept,
    [mcpHeaders.sessionId]: session[mcpHeaders.sessionId],
  })
  expect(await response.json()).toEqual([1, 2].map((id) => ({ jsonrpc: '2.0', id, result: {} })))
})

test('without sessions each request stands alone', async () => {
  const { url } = await start(
    (server) => {
      server.tool('add', { input: z.object({ a: z.number() }) }, ({ a }, { client, session }) => ({
        structuredContent: { sum: a + 1, revision: client.revision, session: session?.id ?? null },
      }))
    },
    { keepSessions: false },
  )
  const response = await post(`${url}/mcp`, initialize(), { Accept: accept })
  expect(response.headers.get(mcpHeaders.sessionId)).toBeNull()
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'add', arguments: { a: 1 } } }
  const version = { Accept: accept, [mcpHeaders.protocolVersion]: '2025-06-18' }
  expect(await (await post(`${url}/mcp`, call, version)).json()).toMatchObject({
    result: { structuredContent: { sum: 2, revision: '2025-06-18', session: null } },
  })
  expect((await fetch(`${url}/mcp`, { headers: { Accept: 'text/event-stream' } })).status).toBe(405)
  expect((await fetch(`${url}/mcp`, { method: 'DELETE' })).status).toBe(405)
  expect(await health(url)).toMatchObject({ sessions: { open: 0, opened: 0 } })
})

test('the streams of requests that are answered are not kept for ever', async () => {
  const { url } = await start(
    (server) => {
      server.tool('log', {}, (_args, { log }) => {
        log('info', 'x'.repeat(10_000))
        return { content: [] }
      })
    },
    { resumeWithinMs: 50 },
  )
  const { session, send } = await open(url)
  const stream = await read(`${url}/mcp`, session)
  const call = async (count: number) => {
    for (let id = 0; id < count; id++) {
      await (await send({ id, method: 'tools/call', params: { name: 'log' } })).text()
    }
  }
  await call(200)
  const before = await heapUsed()
  await call(600)
  // They are let go of in time: 600 of them would be more than 6 MiB.
  while ((await heapUsed()) - before > 3 * 1024 * 1024) await new Promise(setImmediate)
  expect(stream.closed).toBe(false)
}, 30_000)
