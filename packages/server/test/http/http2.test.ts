import { once } from 'node:events'
import { createServer } from 'node:http2'
import { Agent, request as httpsRequest } from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect, type ConnectionOptions } from 'node:tls'
import Koa from 'koa'
import { deferred } from '@tidings/testkit/deferred'
import { defer } from '@tidings/testkit/disposers'
import { selfSigned } from '@tidings/testkit/certificate'
import { until } from '@tidings/testkit/until'
import { SseReader } from '@tidings/testkit/sse-reader'
import { handler, type HandlerContext, mcp, type McpOptions, McpServer, serve } from '../../src/index.ts'
import { connectHttp2, fetchOver, type Http2Client, type Http2Reader } from '../harness/http2.ts'
import { changesOf } from '../harness/internals.ts'
import { modernBody, modernHeaders, type ModernRequest } from '../harness/modern.ts'
import { connectTidings, transports } from '../harness/tidings-client.ts'

const { jest } = import.meta
const tls = selfSigned()
const uri = 'test://counter'
const accept = 'application/json, text/event-stream'

function register(talk: (context: HandlerContext) => unknown): McpServer {
  const server = new McpServer({ name: 'test', version: '1.2.3' })
  server.resource(uri, {}, () => 'a')
  server.tool('talk', {}, async (_args, context) => ({
    structuredContent: { result: (await talk(context)) ?? null },
  }))
  return server
}

/** A server of ours, and what Node and Koa say of it. */
interface Served {
  url: string
  server: McpServer
  errors: unknown[]
  close: (options?: { deadlineMs: number }) => Promise<void>
}

type Start = (server: McpServer, options?: McpOptions) => Promise<Served>

/** Serves a listener by node:http2, without TLS. */
async function plain(server: McpServer, listener: Parameters<typeof createServer>[1], errors: unknown[]) {
  const http = createServer(listener)
  http.on('sessionError', (error) => errors.push(error))
  await once(http.listen(0, '127.0.0.1'), 'listening')
  defer(http, () => http.close())
  const { port } = http.address() as AddressInfo
  const close = (options?: { deadlineMs: number }) => server.close(options)
  return defer({ url: `http://127.0.0.1:${port}`, server, errors, close }, () => close({ deadlineMs: 0 }))
}

const koa: Start = (server, options) => {
  const errors: unknown[] = []
  const app = new Koa().use(mcp(server, options))
  app.on('error', (error) => errors.push(error))
  const answer: unknown = app.callback()
  return plain(server, answer as Parameters<typeof createServer>[1], errors)
}
const bare: Start = (server, options) => plain(server, handler(server, options), [])
const secure: Start = async (server, options) => {
  const errors: unknown[] = []
  const { url, http, close } = await serve(server, { ...options, ...tls })
  http.on('sessionError', (error) => errors.push(error))
  return defer({ url, server, errors, close }, () => close({ deadlineMs: 0 }))
}

/** A tool that has said something before its answer. */
const talkative = ({ progress }: HandlerContext) => {
  progress({ progress: 1 })
  return 'done'
}

async function startTalking(start: Start, talk: (context: HandlerContext) => unknown = talkative) {
  const served = await start(register(talk), {})
  return { ...served, client: await connectHttp2(served.url) }
}

const call = (id: string | number, _meta?: object) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'talk', ...(_meta && { _meta }) },
})
const initialize = (protocolVersion = '2025-11-25') => ({
  jsonrpc: '2.0',
  id: 'init',
  method: 'initialize',
  params: { protocolVersion, capabilities: {}, clientInfo: { name: 'raw', version: '0' } },
})
const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' }
const subscribe = { jsonrpc: '2.0', id: 'sub', method: 'resources/subscribe', params: { uri } }
const done = { result: { structuredContent: { result: 'done' } } }

/** The message on a stream that the condition holds for. */
async function message(reader: SseReader, condition: (message: any) => boolean): Promise<any> {
  const find = () =>
    reader.events
      .map(({ data }) => (data.startsWith('{') ? JSON.parse(data) : {}))
      .find((message) => condition(message))
  await reader.until(() => find() !== undefined, 'a message')
  return find()
}
const answer = (reader: SseReader, id: string | number) => message(reader, (each) => each.id === id)
const update = (reader: SseReader) =>
  message(reader, ({ method }) => method === 'notifications/resources/updated')

const modern = (request: ModernRequest) =>
  [{ ':path': '/mcp', ...lower(modernHeaders(request)) }, modernBody(request)] as const
const lower = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

/** No response may have a header about the connection: RFC 9113, section 8.2.2. */
function expectNoneOfConnection(...headers: object[]): void {
  for (const each of headers) {
    expect(
      Object.keys(each).filter((name) => /^(connection|keep-alive|transfer-encoding)$/.test(name)),
    ).toEqual([])
  }
}

/** Opens a session of HTTP+SSE, or a paired one, that watches the resource. */
async function openSse(client: Http2Client, query = ''): Promise<{ reader: Http2Reader; path: string }> {
  const reader = await client.open({ ':path': `/sse${query}` })
  const path = query === '' ? (await reader.next()).data : `/mcp${query}`
  const responses = []
  for (const body of [initialize('2024-11-05'), initialized, subscribe]) {
    responses.push(await client.ask({ ':path': path }, body))
  }
  expectNoneOfConnection(reader.headers, ...responses.map(({ headers }) => headers))
  expect(reader.headers['content-type']).toBe('text/event-stream')
  return { reader, path }
}

describe.each([
  ['a Koa application over cleartext', koa],
  ['handler() over cleartext', bare],
  ['serve() over TLS', secure],
])('%s', (_name, start) => {
  test('serves HTTP+SSE', async () => {
    const { server, client, errors } = await startTalking(start)
    const { reader, path } = await openSse(client)
    expect(await client.ask({ ':path': path }, call('c', { progressToken: 'p' }))).toMatchObject({
      status: 202,
    })
    expect(await answer(reader, 'c')).toMatchObject(done)
    server.changed(uri)
    expect(await update(reader)).toMatchObject({ params: { uri } })
    const ended = await client.ask({ ':path': path, ':method': 'DELETE' })
    expect([ended.status, ended.text]).toEqual([204, ''])
    await reader.untilClosed()
    expect(errors).toEqual([])
  })

  test('serves paired', async () => {
    const { server, client, errors } = await startTalking(start)
    const { reader, path } = await openSse(client, `?client_id=${crypto.randomUUID()}`)
    const called = await client.ask({ ':path': path }, call('c', { progressToken: 'p' }))
    expect(JSON.parse(called.text)).toMatchObject(done)
    expect(called.headers['content-length']).toBe(String(Buffer.byteLength(called.text)))
    await message(reader, ({ method }) => method === 'notifications/progress')
    server.changed(uri)
    expect(await update(reader)).toMatchObject({ params: { uri } })
    expect(errors).toEqual([])
  })

  test('serves Streamable HTTP', async () => {
    const { server, client, errors } = await startTalking(start)
    const opened = await client.ask({ ':path': '/mcp', accept }, initialize())
    const session = { ':path': '/mcp', accept, 'mcp-session-id': opened.headers['mcp-session-id'] }
    await client.ask(session, initialized)
    await client.ask(session, subscribe)
    const plainAnswer = await client.ask(session, call('json'))
    expect(JSON.parse(plainAnswer.text)).toMatchObject(done)
    const streamed = await client.open(session, call('stream', { progressToken: 'p' }))
    expect(await answer(streamed, 'stream')).toMatchObject(done)
    await streamed.untilClosed()
    const reader = await client.open(session)
    server.changed(uri)
    expect(await update(reader)).toMatchObject({ params: { uri } })
    expectNoneOfConnection(opened.headers, plainAnswer.headers, streamed.headers, reader.headers)
    expect(errors).toEqual([])
  })

  test('serves stateless', async () => {
    const { server, client, errors } = await startTalking(start)
    const talk = { method: 'tools/call', params: { name: 'talk' } }
    const plainAnswer = await client.ask(...modern(talk))
    expect(JSON.parse(plainAnswer.text)).toMatchObject(done)
    const streamed = await client.open(...modern({ ...talk, id: 's', meta: { progressToken: 'p' } }))
    expect(await answer(streamed, 's')).toMatchObject(done)
    await streamed.untilClosed()
    const notifications = { resourceSubscriptions: [uri] }
    const reader = await client.open(
      ...modern({ method: 'subscriptions/listen', params: { notifications }, id: 'l' }),
    )
    await reader.next()
    server.changed(uri)
    expect(await update(reader)).toMatchObject({ params: { uri } })
    expectNoneOfConnection(plainAnswer.headers, streamed.headers, reader.headers)
    expect(errors).toEqual([])
  })

  test.each(transports)('serves our client by %s', async (transport) => {
    const { server, url } = await start(register(talkative))
    const http2 = await connectHttp2(url)
    const client = await connectTidings(url, { transport, fetch: fetchOver(http2) })
    expect(await client.callTool('talk', {}, { onProgress: () => {} })).toMatchObject(done.result)
    const heard = deferred<string>()
    await client.subscribe(uri)
    client.on('notifications/resources/updated', (params) => heard.resolve(params.uri))
    server.changed(uri)
    expect(await heard.promise).toBe(uri)
  })

  test('refuses foreign hosts and pages, by :authority or Host', async () => {
    const { client } = await startTalking(start)
    const get = { ':path': '/health', ':method': 'GET' }
    const status = async (headers: object) => (await client.ask({ ...get, ...headers })).status
    expect(await status({ ':authority': 'localhost:1' })).toBe(200)
    expect(await status({ ':authority': 'evil.example.com' })).toBe(403)
    // Two hosts are none.
    expect(await status({ ':authority': 'localhost', host: 'evil.example.com' })).toBeGreaterThanOrEqual(400)
    expect(await status({ ':authority': 'evil.example.com', host: 'localhost' })).toBeGreaterThanOrEqual(400)
    expect(await status({ ':authority': 'localhost', host: 'localhost' })).toBe(200)
    expect(await status({ origin: 'https://evil.example.com' })).toBe(403)
    const allowed = await client.ask({ ...get, origin: 'https://localhost:5173' })
    expect(allowed.headers['access-control-allow-origin']).toBe('https://localhost:5173')
  })

  test('answers HEAD, OPTIONS and unknown paths and methods', async () => {
    const { client, errors } = await startTalking(start)
    const head = await client.ask({ ':path': '/health', ':method': 'HEAD' })
    expect([head.status, head.text]).toEqual([200, ''])
    expect(Number(head.headers['content-length'])).toBeGreaterThan(0)
    expect((await client.ask({ ':path': '/sse', ':method': 'HEAD', accept })).status).toBe(200)
    expect((await client.ask({ ':path': '/messages', ':method': 'PUT' })).headers.allow).toBe('POST, DELETE')
    expect((await client.ask({ ':path': '/mcp', ':method': 'OPTIONS' })).status).toBe(200)
    expect((await client.ask({ ':path': '/elsewhere' })).status).toBe(404)
    expect(errors).toEqual([])
  })
})

test('over HTTP/2, Node warns of nothing', async () => {
  const warnings: string[] = []
  const warn = (warning: Error) => warnings.push(warning.message)
  process.on('warning', warn)
  defer(warn, () => process.off('warning', warn))
  const { client } = await startTalking(secure)
  const { path } = await openSse(client)
  await client.ask({ ':path': path }, call('x'.repeat(5_000_000)))
  await new Promise(setImmediate)
  expect(warnings).toEqual([])
})

test('a body that is too large is refused, its sender is told to stop, and the connection goes on', async () => {
  const served = await koa(register(talkative), { maxBodyBytes: 1_000 })
  const client = await connectHttp2(served.url)
  const stream = client.session.request({
    ':method': 'POST',
    ':path': '/mcp',
    'content-type': 'application/json',
  })
  const closed = once(stream, 'close')
  stream.write('x'.repeat(100_000))
  const [response] = (await once(stream, 'response')) as [{ ':status': number }]
  expect(response[':status']).toBe(413)
  stream.resume()
  await closed
  expect(stream.rstCode).toBe(0)
  expect((await client.ask({ ':path': '/health' })).status).toBe(200)
})

test('a body that does not arrive within 5 minutes is refused, and its stream is closed', async () => {
  const { client } = await startTalking(koa)
  jest.useFakeTimers({
    // prettier-ignore
    doNotFake: ['Date', 'hrtime', 'nextTick', 'queueMicrotask', 'setImmediate', 'clearImmediate', 'setInterval', 'clearInterval', 'performance'],
  })
  defer(jest, () => jest.useRealTimers())
  const path = `/mcp?client_id=${crypto.randomUUID()}`
  const head = { ':method': 'POST', ':path': path, 'content-type': 'application/json' }
  const stream = client.session.request(head)
  const [answered, closed] = [once(stream, 'response'), once(stream, 'close')]
  stream.write('{"jsonrpc":"2.0",')
  // Answered on the same connection, so the head has arrived.
  await client.ask({ ':path': '/health' })
  jest.advanceTimersByTime(300_000)
  const [response] = (await answered) as [{ ':status': number }]
  expect(response[':status']).toBe(408)
  const text = Buffer.concat(await stream.toArray()).toString()
  expect(JSON.parse(text).error.message).toBe('The body did not arrive within 300000 ms')
  jest.advanceTimersByTime(1_000)
  await closed
})

test.each(['paired', 'stateless'])(
  'over %s, a stream that its client resets aborts its call',
  async (transport) => {
    const called = deferred<AbortSignal>()
    const { client } = await startTalking(koa, ({ signal }) => {
      called.resolve(signal)
      return new Promise((_resolve, reject) => signal.addEventListener('abort', reject))
    })
    const stream =
      transport === 'paired'
        ? client.request({ ':path': `/mcp?client_id=${crypto.randomUUID()}` }, call(1))
        : client.request(...modern({ method: 'tools/call', params: { name: 'talk' } }))
    const signal = await called.promise
    stream.close()
    await until(
      () => signal.aborted,
      () => 'the signal has not aborted',
    )
    await until(
      async () => JSON.parse((await client.ask({ ':path': '/health' })).text).limits.requests.used === 0,
      () => 'a request is still counted',
    )
  },
)

test('a stream whose reader has stalled holds up no other of its connection, and goes on from the latest change', async () => {
  const { server, client } = await startTalking(secure)
  const stalled = (await openSse(client)).reader
  const other = (await openSse(client)).reader
  stalled.stall()
  for (let i = 0; i < 50_000; i++) {
    server.changed(uri)
    if (i % 50 === 0) await new Promise(setImmediate)
  }
  const last = new RegExp(`\\.${changesOf(server).seq}$`)
  await other.until(() => last.test(other.lastEventId), 'the latest change')
  const before = stalled.events.length
  stalled.goOn()
  await stalled.until(() => last.test(stalled.lastEventId), 'the latest change')
  expect(stalled.events.length - before).toBeLessThan(20_000)
}, 60_000)

describe('the write deadline', () => {
  const writeTimeoutMs = 60_000
  beforeEach(() => {
    jest.useFakeTimers({
      // prettier-ignore
      doNotFake: ['Date', 'hrtime', 'nextTick', 'queueMicrotask', 'setImmediate', 'clearImmediate', 'setTimeout', 'clearTimeout'],
    })
  })
  afterEach(() => jest.useRealTimers())
  const pass = (ms: number) => void jest.advanceTimersByTime(ms)

  const healthOf = async (client: Http2Client) => JSON.parse((await client.ask({ ':path': '/health' })).text)

  test('cuts a stream that is not read, and no other of its connection', async () => {
    const served = await secure(register(talkative), { writeTimeoutMs })
    const client = await connectHttp2(served.url)
    const stalled = (await openSse(client)).reader
    const other = (await openSse(client)).reader
    stalled.stall()
    for (let i = 0; i < 20_000; i++) {
      served.server.changed(uri)
      if (i % 50 === 0) await new Promise(setImmediate)
    }
    pass(writeTimeoutMs - 10_000)
    expect(await healthOf(client)).toMatchObject({ connected_clients: 2, write_timeouts: 0 })
    pass(20_000)
    await until(
      async () => (await healthOf(client)).connected_clients === 1,
      () => 'the stream is not cut',
    )
    expect(await healthOf(client)).toMatchObject({ write_timeouts: 1, sessions: { open: 2 } })
    stalled.goOn()
    await stalled.untilClosed()
    expect(stalled.stream.rstCode).toBe(2)
    served.server.changed(uri)
    const last = new RegExp(`\\.${changesOf(served.server).seq}$`)
    await other.until(() => last.test(other.lastEventId), 'the latest change')
  }, 60_000)

  test('waits for a reader of one large answer, as long as it reads on', async () => {
    const bytes = 20_000_000
    const served = await secure(
      register(() => 'x'.repeat(bytes)),
      { writeTimeoutMs },
    )
    const client = await connectHttp2(served.url)
    const stream = client.request({ ':path': `/mcp?client_id=${crypto.randomUUID()}` }, call(1))
    await once(stream, 'response')
    let read = 0
    for (let i = 0; i < 3; i++) {
      pass(writeTimeoutMs - 10_000)
      const enough = read + 1_000_000
      while (read < enough) {
        const chunk = stream.read() as Buffer | null
        if (chunk === null) await once(stream, 'readable')
        else read += chunk.length
      }
    }
    expect((await healthOf(client)).write_timeouts).toBe(0)
    pass(writeTimeoutMs + 10_000)
    expect((await healthOf(client)).write_timeouts).toBe(1)
    stream.resume()
    if (!stream.closed) await once(stream, 'close')
    expect(read).toBeLessThan(bytes)
  }, 60_000)
})

test('serve() stops gracefully: calls finish, streams end with a reason, connections are told to go away', async () => {
  const [called, mayFinish] = [deferred(), deferred()]
  const { client, url, close } = await startTalking(secure, async () => {
    called.resolve()
    await mayFinish.promise
    return 'done'
  })
  const idle = await connectHttp2(url)
  const { reader } = await openSse(client)
  const listening = await client.open(
    ...modern({
      method: 'subscriptions/listen',
      params: { notifications: { resourceSubscriptions: [uri] } },
    }),
  )
  const answered = client.ask({ ':path': `/mcp?client_id=${crypto.randomUUID()}` }, call(1))
  await called.promise
  const away = [client, idle].map(({ session }) => once(session, 'goaway'))
  const ended = [client, idle].map(({ session }) => once(session, 'close'))
  const closed = close({ deadlineMs: 10_000 })
  expect((await client.ask({ ':path': '/sse', accept })).status).toBe(503)
  mayFinish.resolve()
  expect(JSON.parse((await answered).text)).toMatchObject(done)
  await Promise.all([reader.untilClosed(), listening.untilClosed()])
  expect(reader.comments.at(-1)).toBe('server stopping')
  expect(await answer(listening, 1)).toMatchObject({ result: { resultType: 'complete' } })
  for (const [code] of (await Promise.all(away)) as [number][]) expect(code).toBe(0)
  await Promise.all([...ended, closed])
})

test('a stream that is not read cannot keep serve() from stopping', async () => {
  const { server, client, close } = await startTalking(secure)
  const { reader } = await openSse(client)
  reader.stall()
  for (let i = 0; i < 20_000; i++) {
    server.changed(uri)
    if (i % 50 === 0) await new Promise(setImmediate)
  }
  await close({ deadlineMs: 0 })
})

describe('on the same port over HTTP/1.1 and TLS', () => {
  test.each(transports)('our client is served by %s', async (transport) => {
    // As for the certificate of an authority that the client knows.
    const connection = jest.spyOn(Agent.prototype, 'createConnection')
    connection.mockImplementation((options) => connect({ ...(options as ConnectionOptions), ca: tls.cert }))
    defer(connection, (spy) => spy.mockRestore())
    const { server, url } = await secure(register(talkative))
    const client = await connectTidings(url, { transport })
    expect(await client.callTool('talk', {}, { onProgress: () => {} })).toMatchObject(done.result)
    const heard = deferred<string>()
    await client.subscribe(uri)
    client.on('notifications/resources/updated', (params) => heard.resolve(params.uri))
    server.changed(uri)
    expect(await heard.promise).toBe(uri)
  })

  test('a stream has the headers of HTTP/1.1, and ends when the server stops', async () => {
    const { url, close } = await secure(register(talkative))
    const request = httpsRequest(`${url}/sse`, { headers: { accept }, ca: tls.cert, agent: false }).end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const reader = new SseReader(response)
    await reader.next()
    expect(response.headers).toMatchObject({ connection: 'close', 'content-type': 'text/event-stream' })
    await close()
    await reader.untilClosed()
    expect(reader.comments.at(-1)).toBe('server stopping')
  })
})

test('serve() lets a client have 256 streams open at once on a connection', async () => {
  const { client } = await startTalking(secure)
  await client.ask({ ':path': '/health' })
  expect(client.session.remoteSettings.maxConcurrentStreams).toBe(256)
})
