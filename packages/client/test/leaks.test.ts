import { getEventListeners } from 'node:events'
import { deferred } from '@tidings/testkit/deferred'
import { rejection } from '@tidings/testkit/rejection'
import { connect } from '../src/index.ts'
import { fakeHttpSse, fakeStateless, fakeStreamable } from './harness/harness.ts'
import { askFor, onTransport, transports } from './harness/transports.ts'

// The client's timers: what fetch has of its own is not made by these functions.
const timers = new Set<unknown>()
const { setTimeout, clearTimeout } = globalThis

beforeAll(() => {
  globalThis.setTimeout = ((run: () => void, ms: number) => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      run()
    }, ms)
    timers.add(timer)
    return timer
  }) as typeof setTimeout
  globalThis.clearTimeout = (timer) => {
    timers.delete(timer)
    clearTimeout(timer)
  }
})

/** Resolves when the bodies of the responses that have come by now are read. */
const idle = () => new Promise((resolve) => setImmediate(resolve))

afterAll(() => {
  globalThis.setTimeout = setTimeout
  globalThis.clearTimeout = clearTimeout
})

test('a call leaves no timer, and no listener on its signal', async () => {
  const server = await fakeHttpSse()
  server.answers = { 'tools/call': () => ({ content: [] }) }
  const client = await connect(server.url)
  const { signal } = new AbortController()
  await idle()
  const before = timers.size
  for (let i = 0; i < 20; i++) await client.callTool('x', {}, { signal })
  server.answers = { 'tools/call': () => undefined }
  await rejection(client.callTool('x', {}, { signal, timeoutMs: 10 }))
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  expect(timers.size).toBe(before)
  await client.close()
})

test('a watch leaves no listener on its signal, whether it was begun or not', async () => {
  const server = await fakeHttpSse()
  server.answers = { 'resources/read': () => ({ contents: [] }) }
  const client = await connect(server.url)
  const { signal } = new AbortController()
  const watch = client.watch('x://1', { signal })
  await watch.next()
  await watch.return!()
  await client.watch('x://1', { signal }).return!()
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  await client.close()
})

test('closing leaves no timer, no listener, and no connection with anything under way', async () => {
  const server = (await fakeHttpSse()).withIds()
  server.answers = { 'tools/call': () => undefined, 'resources/read': () => ({ contents: [] }) }
  const before = timers.size
  const abort = new AbortController()
  const client = await connect(server.url, { signal: abort.signal })
  const calls = Array.from({ length: 5 }, () => rejection(client.callTool('slow')))
  const watch = client.watch('x://1')
  await watch.next()
  const waiting = watch.next()
  await server.post('tools/call')
  expect(timers.size).toBeGreaterThan(before)
  await client.close()
  await Promise.all([...calls, waiting])
  await (
    await server.streams.next()
  ).closed
  expect(server.open.size).toBe(0)
  expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0)
  expect(timers.size).toBe(before)
})

test.each(['streamable-http', 'stateless'] as const)(
  '%s: closing leaves no timer, no listener, and nothing open',
  async (transport) => {
    const server =
      transport === 'streamable-http'
        ? (await fakeStreamable()).withStream()
        : (await fakeStateless()).withRecovery()
    server.hold('tools/call').answers['resources/read'] = () => ({ contents: [] })
    const before = timers.size
    const abort = new AbortController()
    const { signal } = abort
    const client = await connect(server.url, { transport, signal })
    const calls = Array.from({ length: 5 }, () => rejection(client.callTool('slow', {}, { signal })))
    client.on('notifications/tools/list_changed', () => {})
    const watches = ['x://1', 'x://2'].map((uri) => client.watch(uri, { signal }))
    for (const watch of watches) await watch.next()
    const waiting = watches.map((watch) => watch.next())
    const post = await server.post('tools/call')
    post.stream().raw('id: 1\nretry: 50\ndata:\n\n')
    await client.close()
    await Promise.all([...calls, ...waiting])
    const open = [
      ...server.streams.all,
      ...server.posts.all.filter(({ response }) => !response.writableEnded),
    ]
    await Promise.all(open.map(({ closed }) => closed))
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    expect(timers.size).toBe(before)
  },
)

test.each(['streamable-http', 'stateless'] as const)('%s: a call leaves nothing', async (transport) => {
  const server = transport === 'streamable-http' ? await fakeStreamable() : await fakeStateless()
  const client = await connect(server.url, { transport, handlers: { roots: () => [] } })
  const requires = { resultType: 'input_required', inputRequests: { a: { method: 'roots/list' } } }
  let n = 0
  server.answers = { 'tools/call': () => (transport === 'stateless' && n++ % 2 ? requires : { content: [] }) }
  const { signal } = new AbortController()
  const before = timers.size
  for (let i = 0; i < 20; i++) await client.callTool('x', {}, { signal })
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  expect(timers.size).toBe(before)
  await client.close()
})

test.each(transports)('%s: a call that ends while a handler is pending leaves nothing', async (transport) => {
  const before = timers.size
  const asked = deferred()
  const roots = () => {
    asked.resolve()
    return new Promise<never>(() => {})
  }
  const { server, client } = await onTransport(transport, { handlers: { roots } })
  server.hold('tools/call')
  const { signal } = new AbortController()
  const calls = [{ totalTimeoutMs: 50, signal }, { signal }].map((options) =>
    rejection(client.callTool('x', {}, options)),
  )
  for (let i = 0; i < calls.length; i++) askFor(server, await server.post('tools/call'), 'roots/list')
  await asked.promise
  expect(await calls[0]).toMatchObject({ name: 'TimeoutError' })
  await client.close()
  await Promise.all(calls)
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  expect(timers.size).toBe(before)
})

test('closing does not wait for a server that does not answer', async () => {
  const server = (await fakeHttpSse()).withIds()
  const before = timers.size
  const client = await connect(server.url)
  server.deletes.push = () => {}
  await server.close()
  await client.close()
  expect(timers.size).toBe(before)
})

test('closing while reconnecting leaves nothing', async () => {
  const server = await fakeHttpSse()
  const before = timers.size
  const client = await connect(server.url)
  const lost = new Promise<void>((resolve) => {
    client.on('state', ({ state }) => state === 'reconnecting' && resolve())
  })
  await server.close()
  await lost
  const waiting = rejection(client.ping())
  await client.close()
  await waiting
  expect(timers.size).toBe(before)
})

test('failing to connect leaves nothing', async () => {
  const server = await fakeHttpSse()
  const before = timers.size
  const { signal } = new AbortController()
  server.answers = { initialize: () => undefined }
  await rejection(connect(server.url, { signal, connectTimeoutMs: 20 }))
  server.onGet = ({ response }) => response.writeHead(500).end()
  await rejection(connect(server.url, { signal }))
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  expect(timers.size).toBe(before)
})
