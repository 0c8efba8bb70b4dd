import { Inbox } from '@tidings/testkit/inbox'
import { Log } from '@tidings/testkit/log'
import { rejection } from '@tidings/testkit/rejection'
import { HttpError, McpError, TimeoutError } from '../../src/index.ts'
import type { FakeListen, FakeStateless } from '../harness/fake-stateless.ts'
import { connected, fakeStateless, statesOf } from '../harness/harness.ts'

const transport = 'stateless'

/** A server with one resource, whose text says how often it was read. */
async function counting(prepare: (server: FakeStateless) => FakeStateless = (server) => server) {
  const server = prepare(await fakeStateless())
  let reads = 0
  server.answers = {
    'resources/read': ({ uri }: { uri: string }) => ({ contents: [{ uri, text: String(++reads) }] }),
  }
  return server
}

const textOf = (result: IteratorResult<{ contents: object[] }>) =>
  (result.value as { contents: { text: string }[] }).contents[0]!.text

/** Whether the connection of a listen has been closed from the other side. */
const closed = ({ post }: FakeListen) => post.closed

test('nobody listens, nothing is opened', async () => {
  const server = await fakeStateless()
  const client = await connected(server.url, { transport })
  client.on('notifications/message', () => {})
  client.on('state', () => {})
  await client.ping()
  expect(server.methods).toEqual(['server/discover', 'server/discover'])
})

test('all there is to hear of comes on one stream', async () => {
  const server = await fakeStateless()
  const client = await connected(server.url, { transport })
  const heard = new Inbox<string>()
  client.on('notifications/tools/list_changed', () => heard.push('tools'))
  client.on('notifications/resources/list_changed', () => heard.push('resources'))
  client.on('notifications/resources/updated', ({ uri }) => heard.push(uri))
  await Promise.all([client.subscribe('x://b'), client.subscribe('x://a')])
  expect(server.listens.all).toHaveLength(1)
  const listen = await server.listens.next()
  expect(listen.filter).toEqual({
    toolsListChanged: true,
    resourcesListChanged: true,
    resourceSubscriptions: ['x://a', 'x://b'],
  })
  expect(listen.post.header('mcp-method')).toBe('subscriptions/listen')
  listen.updated('x://a')
  listen.notify('notifications/tools/list_changed')
  await heard.next((what) => what === 'tools')
  expect(heard.all).toEqual(['x://a', 'tools'])
})

test('what the server does not offer is not asked for', async () => {
  const server = await fakeStateless()
  server.capabilities = { tools: {}, prompts: { listChanged: true } }
  const client = await connected(server.url, { transport })
  client.on('notifications/tools/list_changed', () => {})
  client.on('notifications/prompts/list_changed', () => {})
  expect((await server.listens.next()).filter).toEqual({ promptsListChanged: true })
})

test('when there is more to hear of, another stream takes the place of the one before, without a gap', async () => {
  const server = await fakeStateless()
  const client = await connected(server.url, { transport })
  const states = statesOf(client)
  const heard = new Inbox<string>()
  client.on('notifications/resources/updated', ({ uri }) => heard.push(uri))
  await client.subscribe('x://a')
  const first = await server.listens.next()
  server.onListen = () => {}
  const subscribing = client.subscribe('x://b')
  const second = await server.listens.next()
  expect(second.filter).toEqual({ resourceSubscriptions: ['x://a', 'x://b'] })
  expect(second.id).not.toBe(first.id)
  // It is not open yet: what is told is told on the one before.
  first.updated('x://a')
  await heard.next()
  second.acknowledge()
  await subscribing
  // What was on its way when the other was acknowledged is not lost.
  first.updated('x://a')
  await heard.next()
  second.updated('x://b')
  expect(await heard.next()).toBe('x://b')
  await closed(first)
  server.onListen = (listen) => listen.acknowledge()
  await client.unsubscribe('x://a')
  expect((await server.listens.next()).filter).toEqual({ resourceSubscriptions: ['x://b'] })
  await client.unsubscribe('x://b')
  await closed(second)
  expect(states.all).toEqual([])
  expect(server.listens.all).toHaveLength(3)
})

test('what two streams tell while one takes the place of the other is told once', async () => {
  const server = (await fakeStateless()).withRecovery()
  const client = await connected(server.url, { transport })
  const heard = new Inbox<string>()
  client.on('notifications/resources/updated', ({ uri }) => heard.push(uri))
  await client.subscribe('x://a')
  const first = await server.listens.next()
  server.onListen = () => {}
  const subscribing = client.subscribe('x://b')
  const second = await server.listens.next()
  const at = (position: string) => ({ 'dev.tidings/position': position })
  first.updated('x://a', at('e.7'))
  await heard.next()
  second.acknowledge(second.filter, { ...at('e.6'), 'dev.tidings/recovered': true })
  await subscribing
  second.updated('x://a', at('e.7'))
  second.updated('x://b', at('e.8'))
  second.updated('x://a', at('e.9'))
  await heard.next((uri) => uri === 'x://b')
  await heard.next((uri) => uri === 'x://a')
  expect(heard.all).toEqual(['x://a', 'x://b', 'x://a'])
})

test('a list is listened to for as long as somebody does', async () => {
  const server = await fakeStateless()
  const client = await connected(server.url, { transport })
  const off = client.on('notifications/tools/list_changed', () => {})
  const also = client.on('notifications/tools/list_changed', () => {})
  const listen = await server.listens.next()
  off()
  await client.ping()
  also()
  await closed(listen)
  expect(server.listens.all).toHaveLength(1)
})

test('what the server does not agree to is an error for who wanted it, and for nobody else', async () => {
  const server = await counting()
  server.onListen = (listen) => listen.acknowledge({ resourceSubscriptions: ['x://known'] })
  const client = await connected(server.url, { transport })
  const states = statesOf(client)
  client.on('notifications/tools/list_changed', () => {})
  const known = client.watch('x://known')
  const [first, refused, watched] = await Promise.all([
    known.next(),
    rejection(client.subscribe('x://secret')),
    rejection(client.watch('x://hidden').next()),
  ])
  expect(textOf(first)).toBe('1')
  expect(refused).toBeInstanceOf(McpError)
  expect(refused.message).toMatch('does not announce changes of x://secret')
  expect(watched).toBeInstanceOf(McpError)
  const next = known.next()
  server.listens.all.at(-1)!.updated('x://known')
  expect(textOf(await next)).toBe('2')
  // Who asks again is asked for again.
  await rejection(client.subscribe('x://secret'))
  expect(server.listens.all.at(-1)!.filter).toEqual({ resourceSubscriptions: ['x://known', 'x://secret'] })
  expect(states.all).toEqual([])
})

test('a stream that tells of nothing is not kept, nor opened again', async () => {
  const server = await fakeStateless()
  server.onListen = (listen) => {
    listen.acknowledge({})
    listen.complete()
  }
  const client = await connected(server.url, { transport })
  const states = statesOf(client)
  client.on('notifications/tools/list_changed', () => {})
  expect(await rejection(client.subscribe('x://1'))).toBeInstanceOf(McpError)
  await closed(await server.listens.next())
  await client.ping()
  expect(server.listens.all).toHaveLength(1)
  expect(states.all).toEqual([])
})

test('a server that refuses to be listened to says so to who subscribes; the stream there is goes on', async () => {
  const server = await fakeStateless()
  const client = await connected(server.url, { transport })
  const states = statesOf(client)
  await client.subscribe('x://1')
  const before = await server.listens.next()
  const answer = (status: number) => {
    server.onPost = (post) => {
      if (post.message.method !== 'subscriptions/listen') return server.answer(post)
      if (status === 400) post.error(-32602)
      else post.response.writeHead(status).end()
    }
  }
  answer(400)
  expect(await rejection(client.subscribe('x://2'))).toMatchObject({ name: 'McpError', code: -32602 })
  answer(413)
  expect(await rejection(client.subscribe('x://2'))).toMatchObject({ name: 'HttpError', status: 413 })
  const heard = new Promise((resolve) => client.on('notifications/resources/updated', resolve))
  before.updated('x://1')
  await heard
  expect(states.all).toEqual([])
})

test('a stream that is not acknowledged in time is given up', async () => {
  const server = await fakeStateless()
  server.onListen = () => {}
  const client = await connected(server.url, { transport, connectTimeoutMs: 50 })
  const error = await rejection(client.subscribe('x://1'))
  expect(error).toBeInstanceOf(TimeoutError)
  expect(error.message).toMatch('has not acknowledged subscriptions/listen within 50 ms')
  await closed(await server.listens.next())
})

test('what comes before the acknowledgement, or is of another stream, is dropped', async () => {
  const server = await fakeStateless()
  server.onListen = (listen) => {
    listen.updated('x://early')
    listen.notify(
      'notifications/subscriptions/acknowledged',
      { notifications: {} },
      { 'io.modelcontextprotocol/subscriptionId': 99 },
    )
    listen.acknowledge()
    listen.updated('x://foreign', { 'io.modelcontextprotocol/subscriptionId': 'other' })
    listen.acknowledge({})
    listen.stream.message({ method: 'notifications/resources/updated', params: { uri: 'x://untagged' } })
    listen.stream.message({ id: 1, method: 'roots/list' })
    listen.updated('x://1')
  }
  const logger = new Log()
  const client = await connected(server.url, { transport, logger })
  const heard = new Inbox<string>()
  client.on('notifications/resources/updated', ({ uri }) => heard.push(uri))
  await client.subscribe('x://1')
  await heard.next()
  expect(heard.all).toEqual(['x://1'])
  expect(logger.lines.all.filter(({ level }) => level === 'warn')).toHaveLength(6)
})

test.each(['cut', 'complete'] as const)(
  'a stream that is lost (%s) is opened again, and what is watched is read',
  async (how) => {
    const server = await counting()
    const client = await connected(server.url, { transport })
    const states = statesOf(client)
    const watch = client.watch('x://1')
    expect(textOf(await watch.next())).toBe('1')
    const next = watch.next()
    const before = await server.listens.next()
    if (how === 'cut') before.stream.cut()
    else before.complete()
    expect(textOf(await next)).toBe('2')
    const after = await server.listens.next()
    expect(after.filter).toEqual(before.filter)
    expect(after.since).toBeUndefined()
    expect(states.all.map(({ state, recovered }) => [state, recovered])).toEqual([
      ['reconnecting', undefined],
      ['connected', false],
    ])
    expect(server.methods.slice(3, 5)).toEqual(['server/discover', 'subscriptions/listen'])
  },
)

test('it is reconnecting until the stream is acknowledged; calls do not wait for that', async () => {
  const server = await counting()
  const client = await connected(server.url, { transport })
  const states = statesOf(client)
  await client.subscribe('x://1')
  server.onListen = () => {}
  ;(await server.listens.next()).stream.cut()
  const after = await server.listens.next()
  expect(client.state).toBe('reconnecting')
  await client.readResource('x://1')
  after.acknowledge()
  await states.next(({ state }) => state === 'connected')
})

test('where the server can recover, it is told how far it had told, and only what changed is read', async () => {
  const server = await counting((server) => server.withRecovery())
  const at = (position: string) => ({ 'dev.tidings/position': position })
  server.onListen = (listen) => {
    listen.stream.raw('retry: 100\n\n')
    listen.acknowledge(undefined, at('p1'))
  }
  const client = await connected(server.url, { transport })
  const states = statesOf(client)
  const [a, b] = [client.watch('x://a'), client.watch('x://b')]
  await Promise.all([a.next(), b.next()])
  const nextA = a.next()
  const nextB = b.next()
  let isRead = false
  void nextB.then(() => (isRead = true))
  const before = server.listens.all.at(-1)!
  const heard = new Promise((resolve) => client.on('notifications/prompts/list_changed', resolve))
  const listening = await server.listens.next(({ filter }) => filter.promptsListChanged === true)
  // What replaces a stream is told where that was: then it can be closed at once.
  expect(listening.since).toBe('p1')
  await closed(before)
  listening.notify('notifications/prompts/list_changed', {}, at('p2'))
  await heard
  server.onListen = (listen) => {
    listen.acknowledge(undefined, { ...at('p3'), 'dev.tidings/recovered': true })
    listen.updated('x://a', at('p3'))
  }
  const reads = server.methods.filter((method) => method === 'resources/read').length
  listening.stream.cut()
  expect(await states.next(({ state }) => state === 'connected')).toEqual({
    state: 'connected',
    recovered: true,
  })
  await nextA
  await client.ping()
  expect(server.listens.all.at(-1)!.since).toBe('p2')
  expect(server.methods.filter((method) => method === 'resources/read')).toHaveLength(reads + 1)
  expect(isRead).toBe(false)
  server.onListen = (listen) => listen.acknowledge(undefined, { ...at('q1'), 'dev.tidings/recovered': false })
  server.listens.all.at(-1)!.stream.cut()
  expect(await states.next(({ recovered }) => recovered === false)).toMatchObject({ state: 'connected' })
  await nextB
  expect(server.listens.all.at(-1)!.since).toBe('p3')
})

test('a stream that is opened again and again only to be lost is opened ever more slowly', async () => {
  const server = await fakeStateless()
  const client = await connected(server.url, { transport })
  const states = statesOf(client)
  server.onListen = (listen) => {
    listen.stream.raw('retry: 100\n\n')
    listen.acknowledge()
    listen.complete()
  }
  await client.subscribe('x://1')
  const startedAt = Date.now()
  for (let i = 0; i < 4; i++) await states.next(({ state }) => state === 'reconnecting')
  // 100 + 200 + 400 ms, and up to half as much again.
  expect(Date.now() - startedAt).toBeGreaterThanOrEqual(690)
})

test('a server that asks to be left alone is; calls go on', async () => {
  const server = await fakeStateless()
  const client = await connected(server.url, { transport })
  const states = statesOf(client)
  server.onPost = (post) =>
    post.message.method === 'subscriptions/listen'
      ? void post.response.writeHead(503, { 'retry-after': '3600' }).end()
      : server.answer(post)
  const abort = new AbortController()
  const subscribing = rejection(client.subscribe('x://1', { signal: abort.signal }))
  const { error } = await states.next(({ state }) => state === 'reconnecting')
  expect((error as HttpError).retryAfterMs).toBe(3_600_000)
  await client.ping()
  expect(server.methods.filter((method) => method === 'subscriptions/listen')).toHaveLength(1)
  abort.abort(new Error('enough'))
  expect((await subscribing).message).toBe('enough')
})

test('a server that shuts the client out ends it', async () => {
  const server = await fakeStateless()
  const client = await connected(server.url, { transport })
  const states = statesOf(client)
  await client.subscribe('x://1')
  server.onPost = ({ response }) => response.writeHead(401).end()
  ;(await server.listens.next()).stream.cut()
  expect((await states.next(({ state }) => state === 'closed')).error).toMatchObject({ status: 401 })
})

test('what was subscribed to, and is refused after a loss, is an error for who watches it', async () => {
  const server = await counting()
  const client = await connected(server.url, { transport })
  const [one, two] = [client.watch('x://1'), client.watch('x://2')]
  await Promise.all([one.next(), two.next()])
  const next = one.next()
  const refused = rejection(two.next())
  server.onListen = (listen) => listen.acknowledge({ resourceSubscriptions: ['x://1'] })
  server.listens.all.at(-1)!.stream.cut()
  expect(textOf(await next)).toBe('3')
  expect(await refused).toBeInstanceOf(McpError)
})

test('what is refused after a loss in which nothing was missed is an error as well', async () => {
  const server = await counting((server) => server.withRecovery())
  const client = await connected(server.url, { transport })
  server.onListen = (listen) => listen.acknowledge(undefined, { 'dev.tidings/position': 'p1' })
  const watch = client.watch('x://1')
  await watch.next()
  const refused = rejection(watch.next())
  server.onListen = (listen) => listen.acknowledge({}, { 'dev.tidings/recovered': true })
  server.listens.all.at(-1)!.stream.cut()
  expect(await refused).toBeInstanceOf(McpError)
})

test('a server that lost its memory between two streams is believed, and all is read', async () => {
  const server = await counting((server) => server.withRecovery())
  const at = (position: string, recovered?: boolean) => ({
    'dev.tidings/position': position,
    ...(recovered !== undefined && { 'dev.tidings/recovered': recovered }),
  })
  server.onListen = (listen) => listen.acknowledge(undefined, at('p1'))
  const client = await connected(server.url, { transport })
  const states = statesOf(client)
  const watch = client.watch('x://1')
  await watch.next()
  const next = watch.next()
  server.onListen = (listen) => {
    listen.stream.raw('retry: 100\n\n')
    // It has begun anew: what it was told by the one before says nothing to it.
    listen.acknowledge(undefined, at('q1', listen.since === 'q1'))
  }
  await client.subscribe('x://2')
  expect(textOf(await next)).toBe('2')
  expect(await states.next(({ state }) => state === 'connected')).toEqual({
    state: 'connected',
    recovered: false,
  })
})

test('what was missed is not forgotten when it takes another attempt', async () => {
  const server = await counting((server) => server.withRecovery())
  server.onListen = (listen) => {
    listen.stream.raw('retry: 100\n\n')
    listen.acknowledge(undefined, { 'dev.tidings/position': 'p1' })
  }
  const client = await connected(server.url, { transport })
  const states = statesOf(client)
  const watch = client.watch('x://1')
  await watch.next()
  const next = watch.next()
  let attempts = 0
  server.onListen = (listen) => {
    const lost = ++attempts === 1
    listen.acknowledge(undefined, {
      'dev.tidings/position': 'q1',
      'dev.tidings/recovered': listen.since === 'q1',
    })
    if (lost) listen.complete()
  }
  server.listens.all.at(-1)!.stream.cut()
  expect(await states.next(({ state }) => state === 'connected')).toEqual({
    state: 'connected',
    recovered: false,
  })
  expect(attempts).toBe(2)
  expect(textOf(await next)).toBe('2')
})

test('closing closes the stream, and the watches end', async () => {
  const server = await counting()
  const client = await connected(server.url, { transport })
  const watch = client.watch('x://1')
  await watch.next()
  const next = watch.next()
  await client.close()
  expect(await next).toEqual({ done: true, value: undefined })
  await closed(await server.listens.next())
})
