import { deferred } from '@tidings/testkit/deferred'
import { Log } from '@tidings/testkit/log'
import { rejection } from '@tidings/testkit/rejection'
import { until } from '@tidings/testkit/until'
import { type Handlers, ProtocolError } from '../../src/index.ts'
import type { FakePost } from '../harness/fake-endpoint.ts'
import { connected, fakeStateless, fakeStreamable } from '../harness/harness.ts'
import { legacyTransports, onTransport, sendTo } from '../harness/transports.ts'

/** Handlers that wait until they are released, and how many of them run. */
function heldHandlers() {
  const released = deferred()
  const count = { now: 0, most: 0, all: 0 }
  const roots: Handlers['roots'] = async () => {
    count.all++
    count.most = Math.max(count.most, ++count.now)
    await released.promise
    count.now--
    return []
  }
  return { handlers: { roots }, count, release: released.resolve }
}

const isResponse = ({ message }: FakePost) => message.method === undefined

test.each(legacyTransports)(
  '%s: at most 32 handlers run at a time, and every question is answered',
  async (transport) => {
    const { handlers, count, release } = heldHandlers()
    const { server, client } = await onTransport(transport, { handlers })
    for (let id = 0; id < 200; id++) sendTo(server, { id, method: 'roots/list' })
    const refused = () => server.posts.all.filter((post) => isResponse(post) && post.message.error)
    await until(
      () => refused().length === 168,
      () => `${refused().length} refusals`,
    )
    expect(count.all).toBe(32)
    expect(refused()[0]!.message.error).toEqual({
      code: -32603,
      message: 'Too many requests: this client answers 32 at a time',
    })
    // Busy handlers hold up neither a ping nor a call.
    sendTo(server, { id: 'alive', method: 'ping' })
    await server.posts.next((post) => isResponse(post) && post.message.id === 'alive')
    await client.ping()
    release()
    await until(() => server.posts.all.filter(isResponse).length === 201, 'the other answers')
    sendTo(server, { id: 'later', method: 'roots/list' })
    const later = await server.posts.next((post) => isResponse(post) && post.message.id === 'later')
    expect(later.message.result).toEqual({ roots: [] })
  },
  30_000,
)

test('a question that the server has cancelled counts until its handler has settled', async () => {
  const { handlers, count, release } = heldHandlers()
  const { server } = await onTransport('streamable-http', { handlers })
  for (let id = 0; id < 100; id++) {
    sendTo(server, { id, method: 'roots/list' })
    sendTo(server, { method: 'notifications/cancelled', params: { requestId: id } })
  }
  await until(() => server.posts.all.filter(isResponse).length === 68, 'the refusals')
  expect(count.all).toBe(32)
  release()
})

test.each(legacyTransports)(
  '%s: a flood of pings is answered over a few connections',
  async (transport) => {
    const { server } = await onTransport(transport)
    const answered = new Set<unknown>()
    const sockets = new Set<unknown>()
    let open = 0
    let most = 0
    server.onPost = ({ request, response, message }) => {
      answered.add(message.id)
      sockets.add(request.socket)
      most = Math.max(most, ++open)
      setImmediate(() => {
        open--
        response.writeHead(202).end()
      })
    }
    for (let id = 1; id <= 500; id++) sendTo(server, { id, method: 'ping' })
    await until(
      () => answered.size === 500,
      () => `${answered.size} answers`,
    )
    expect(most).toBeLessThanOrEqual(8)
    // Each answer may leave its connection a moment too late for the next one.
    expect(sockets.size).toBeLessThan(100)
  },
  30_000,
)

test('answers that the server does not take wait, and further ones are dropped with one warning', async () => {
  const logger = new Log()
  const { server, client } = await onTransport('streamable-http', { logger, timeoutMs: 600_000 })
  const held: FakePost[] = []
  server.onPost = (post) => void held.push(post)
  for (let id = 1; id <= 10_100; id++) sendTo(server, { id, method: 'ping' })
  const line = await logger.lines.next(({ level }) => level === 'warn')
  expect(line).toMatchObject({
    message: 'responses are dropped: too many wait to be sent',
    fields: { method: 'ping', maxWaiting: 10_000 },
  })
  expect(logger.of('warn')).toHaveLength(1)
  expect(held.length).toBeLessThanOrEqual(8)
  await client.close()
  expect(logger.of('warn')).toHaveLength(1)
}, 30_000)

test.each(legacyTransports)(
  '%s: bodies that do not end after 202 hold nothing up, and are let go',
  async (transport) => {
    const { server, client } = await onTransport(transport)
    const { onPost } = server
    let open = 0
    let most = 0
    server.onPost = (post) => {
      if (!isResponse(post)) return onPost(post)
      most = Math.max(most, ++open)
      post.response.on('close', () => open--)
      post.response.writeHead(202, { 'content-type': 'text/plain' }).write('...')
    }
    for (let id = 1; id <= 150; id++) sendTo(server, { id, method: 'ping' })
    await until(() => server.posts.all.filter(isResponse).length === 150, 'the answers')
    expect(most).toBeLessThanOrEqual(50)
    await client.ping()
    await until(
      () => open === 0,
      () => `the end of ${open} bodies`,
    )
  },
  30_000,
)

test('what a handler returns that has no JSON is an error for the server', async () => {
  const logger = new Log()
  const handlers: Handlers = { roots: () => [{ uri: 'file:///x', size: 1n } as never] }
  const { server } = await onTransport('http+sse', { handlers, logger })
  sendTo(server, { id: 'q', method: 'roots/list' })
  const { message } = await server.posts.next((post) => isResponse(post) && post.message.id === 'q')
  expect(message.error).toEqual({ code: -32603, message: 'Internal error' })
  const line = await logger.lines.next(({ level }) => level === 'warn')
  expect(line.fields).toMatchObject({ err: { name: 'TypeError' }, method: 'roots/list' })
})

const needs = (count: number) => ({
  resultType: 'input_required',
  inputRequests: Object.fromEntries(
    Array.from({ length: count }, (_, n) => [`k${n}`, { method: 'roots/list' }]),
  ),
})

test('stateless: at most 32 handlers run at a time, over all calls; the others wait for their turn', async () => {
  const server = await fakeStateless()
  const { handlers, count, release } = heldHandlers()
  server.answers = {
    'tools/call': (params: { inputResponses?: object }) =>
      params.inputResponses ? { content: [] } : needs(40),
  }
  const client = await connected(server.url, { transport: 'stateless', handlers })
  const abort = new AbortController()
  const calls = [client.callTool('a'), client.callTool('b')]
  const aborted = rejection(client.callTool('c', {}, { signal: abort.signal }))
  await until(() => count.now === 32 && server.methods.length === 4, 'the handlers')
  abort.abort('enough')
  expect(await aborted).toBe('enough')
  release()
  await Promise.all(calls)
  expect(count.most).toBe(32)
  expect(count.all).toBeLessThanOrEqual(120)
})

test('stateless: a result that requires more than 100 inputs is a ProtocolError, and no handler runs', async () => {
  const server = await fakeStateless()
  const { handlers, count } = heldHandlers()
  server.answers = { 'tools/call': () => needs(101) }
  const client = await connected(server.url, { transport: 'stateless', handlers })
  const error = await rejection(client.callTool('x'))
  expect(error).toBeInstanceOf(ProtocolError)
  expect(error.message).toMatch(
    'tools/call: the server required 101 inputs at once; this client answers at most 100',
  )
  expect(count.all).toBe(0)
})

test('a session that is lost while its questions wait is sent none of the answers', async () => {
  const server = (await fakeStreamable()).withStream()
  const { handlers, release } = heldHandlers()
  const client = await connected(server.url, { transport: 'streamable-http', handlers })
  sendTo(server, { id: 'old', method: 'roots/list' })
  server.forget()
  await client.ping()
  release()
  sendTo(server, { id: 'new', method: 'ping' })
  await server.posts.next((post) => isResponse(post) && post.message.id === 'new')
  expect(server.posts.all.some(({ message }) => message.id === 'old')).toBe(false)
})
