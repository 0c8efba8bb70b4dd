import type { ReadResourceResult } from '@tidings/protocol'
import { rejection } from '@tidings/testkit/rejection'
import { ClosedError, HttpError, McpError } from '../../src/index.ts'
import type { FakeHttpSse } from '../harness/fake-http-sse.ts'
import { connected, fakeHttpSse, statesOf } from '../harness/harness.ts'

const uri = 'x://counter'

/** A server with a counter that can be read, and whose changes are announced. */
async function counterServer() {
  const server = await fakeHttpSse()
  const counter = {
    server,
    value: 0,
    /** Counts on, and says so. */
    change(announce = uri) {
      counter.value++
      server.send({ method: 'notifications/resources/updated', params: { uri: announce } })
    },
    count: (method: string) => server.methods.filter((posted) => posted === method).length,
  }
  server.answers = {
    'resources/read': ({ uri }: { uri: string }) => ({ contents: [{ uri, text: String(counter.value) }] }),
  }
  return counter
}

/** Reopened streams begin a new session, soon. */
function quickly(server: FakeHttpSse) {
  server.onGet = (stream) => {
    server.newSession(stream)
    stream.raw('retry: 100\n\n')
  }
}

const textOf = ({ value }: IteratorResult<ReadResourceResult>) =>
  (value?.contents[0] as { text: string } | undefined)?.text

test('a watch subscribes, reads, and reads again after each change', async () => {
  const counter = await counterServer()
  const client = await connected(counter.server.url)
  const watch = client.watch(uri)
  expect(textOf(await watch.next())).toBe('0')
  expect(counter.server.methods.slice(2)).toEqual(['resources/subscribe', 'resources/read'])
  counter.change()
  expect(textOf(await watch.next())).toBe('1')
  const next = watch.next()
  counter.change('x://other')
  counter.change()
  expect(textOf(await next)).toBe('3')
  await watch.return!()
  await counter.server.post('resources/unsubscribe')
})

test('who reads slowly skips to the newest', async () => {
  const counter = await counterServer()
  const client = await connected(counter.server.url)
  const seen: string[] = []
  for await (const { contents } of client.watch(uri)) {
    seen.push((contents[0] as { text: string }).text)
    if (seen.length === 2) break
    for (let i = 0; i < 100; i++) counter.change()
    await client.ping()
  }
  expect(seen).toEqual(['0', '100'])
  expect(counter.count('resources/read')).toBe(2)
})

test('a change while it is being read is another change', async () => {
  const counter = await counterServer()
  const client = await connected(counter.server.url)
  const read = counter.server.answers['resources/read']!
  counter.server.answers['resources/read'] = (params) => {
    const answer = read(params)
    if (counter.value === 0) counter.change()
    return answer
  }
  const watch = client.watch(uri)
  expect(textOf(await watch.next())).toBe('0')
  expect(textOf(await watch.next())).toBe('1')
  await watch.return!()
})

test('watchers of one resource share its subscription, and the last one ends it', async () => {
  const counter = await counterServer()
  const client = await connected(counter.server.url)
  const watches = [client.watch(uri), client.watch(uri), client.watch(uri)]
  await Promise.all(watches.map((watch) => watch.next()))
  expect(counter.count('resources/subscribe')).toBe(1)
  counter.change()
  expect((await Promise.all(watches.map((watch) => watch.next()))).map(textOf)).toEqual(['1', '1', '1'])
  await watches[0]!.return!()
  await watches[1]!.return!()
  counter.change()
  expect(textOf(await watches[2]!.next())).toBe('2')
  expect(counter.count('resources/unsubscribe')).toBe(0)
  await watches[2]!.return!()
  await counter.server.post('resources/unsubscribe')
})

test('subscribe() and watch() share as well; each ends its own part', async () => {
  const counter = await counterServer()
  const client = await connected(counter.server.url)
  await Promise.all([client.subscribe(uri), client.subscribe(uri)])
  const watch = client.watch(uri)
  await watch.next()
  await client.unsubscribe(uri)
  await client.unsubscribe(uri)
  counter.change()
  expect(textOf(await watch.next())).toBe('1')
  expect(counter.count('resources/subscribe')).toBe(1)
  expect(counter.count('resources/unsubscribe')).toBe(0)
  await watch.return!()
  await counter.server.post('resources/unsubscribe')
})

test('a subscribe that follows an unsubscribe does not get there first', async () => {
  const counter = await counterServer()
  const client = await connected(counter.server.url)
  await client.watch(uri).next()
  const first = client.watch(uri)
  await first.next()
  const order: string[] = []
  counter.server.answers['resources/unsubscribe'] = () => {
    order.push('unsubscribe')
    return {}
  }
  counter.server.answers['resources/subscribe'] = () => {
    order.push('subscribe')
    return {}
  }
  const only = client.watch('x://only')
  await only.next()
  await Promise.all([only.return!(), client.watch('x://only').next()])
  expect(order).toEqual(['subscribe', 'unsubscribe', 'subscribe'])
})

test('a watch ends by break, by return while it waits, by its signal, and by close', async () => {
  const counter = await counterServer()
  const client = await connected(counter.server.url)
  for await (const contents of client.watch(uri)) {
    expect(contents).toBeDefined()
    break
  }
  await counter.server.post('resources/unsubscribe')

  const returned = client.watch(uri)
  await returned.next()
  const waiting = returned.next()
  expect(await returned.return!()).toEqual({ done: true, value: undefined })
  expect(await waiting).toEqual({ done: true, value: undefined })
  expect(await returned.next()).toEqual({ done: true, value: undefined })

  const abort = new AbortController()
  const aborted = client.watch(uri, { signal: abort.signal })
  await aborted.next()
  const last = aborted.next()
  abort.abort()
  expect(await last).toEqual({ done: true, value: undefined })

  const closed = client.watch(uri)
  await closed.next()
  const final = closed.next()
  await client.close()
  expect(await final).toEqual({ done: true, value: undefined })
})

test('a resource that is gone is an McpError to who watches', async () => {
  const counter = await counterServer()
  const client = await connected(counter.server.url)
  const watch = client.watch(uri)
  await watch.next()
  counter.server.answers['resources/read'] = () => ({ error: { code: -32002, message: 'gone' } })
  counter.change()
  expect(await rejection(watch.next())).toMatchObject({ name: 'McpError', code: -32002 })
  expect(await watch.next()).toEqual({ done: true, value: undefined })
  await counter.server.post('resources/unsubscribe')
})

test('a subscribe that is refused is an McpError to each who watches, and the next one tries again', async () => {
  const counter = await counterServer()
  const client = await connected(counter.server.url)
  counter.server.answers['resources/subscribe'] = () => ({ error: { code: -32002, message: 'none such' } })
  const both = await Promise.all([rejection(client.watch(uri).next()), rejection(client.watch(uri).next())])
  expect(both).toEqual([expect.any(McpError), expect.any(McpError)])
  expect(counter.count('resources/unsubscribe')).toBe(0)
  delete counter.server.answers['resources/subscribe']
  const watch = client.watch(uri)
  expect(textOf(await watch.next())).toBe('0')
  await watch.return!()
})

test('a server without subscriptions cannot be watched, and the error says so', async () => {
  const counter = await counterServer()
  counter.server.capabilities = { resources: {} }
  const client = await connected(counter.server.url)
  const error = await rejection(client.watch(uri).next())
  expect(error).toBeInstanceOf(McpError)
  expect(error.message).toMatch('fake does not offer subscriptions (capability resources.subscribe)')
  expect(counter.count('resources/subscribe')).toBe(0)
})

test('a watch goes on in a new session: subscribed again, and read again', async () => {
  const counter = await counterServer()
  quickly(counter.server)
  const client = await connected(counter.server.url)
  const watches = [client.watch(uri), client.watch('x://second')]
  await Promise.all(watches.map((watch) => watch.next()))
  const next = Promise.all(watches.map((watch) => watch.next()))
  counter.value = 7
  ;(await counter.server.streams.next()).cut()
  expect((await next).map(textOf)).toEqual(['7', '7'])
  expect(counter.count('resources/subscribe')).toBe(4)
  counter.change()
  expect(textOf(await watches[0]!.next())).toBe('8')
})

test('a watch that begins while there is no connection waits for it', async () => {
  const counter = await counterServer()
  quickly(counter.server)
  const client = await connected(counter.server.url)
  const states = statesOf(client)
  ;(await counter.server.streams.next()).cut()
  await states.next(({ state }) => state === 'reconnecting')
  expect(textOf(await client.watch(uri).next())).toBe('0')
})

test('a read that is lost with the connection is made again', async () => {
  const counter = await counterServer()
  quickly(counter.server)
  const client = await connected(counter.server.url)
  const watch = client.watch(uri)
  await watch.next()
  const read = counter.server.answers['resources/read']!
  counter.server.answers['resources/read'] = () => undefined
  counter.change()
  const next = watch.next()
  await counter.server.post('resources/read')
  await counter.server.post('resources/read')
  counter.server.answers['resources/read'] = read
  ;(await counter.server.streams.next()).cut()
  expect(textOf(await next)).toBe('1')
})

test('a subscribe that is lost with the connection is made again', async () => {
  const counter = await counterServer()
  quickly(counter.server)
  counter.server.answers['resources/subscribe'] = () => undefined
  const client = await connected(counter.server.url)
  const next = client.watch(uri).next()
  await counter.server.post('resources/subscribe')
  delete counter.server.answers['resources/subscribe']
  ;(await counter.server.streams.next()).cut()
  expect(textOf(await next)).toBe('0')
})

test('a read that the server is too busy for is made again later', async () => {
  const counter = await counterServer()
  const client = await connected(counter.server.url)
  let busy = true
  counter.server.onPost = (post) => {
    if (!busy || post.message.method !== 'resources/read') return counter.server.answer(post)
    busy = false
    post.response.writeHead(503).end()
  }
  expect(textOf(await client.watch(uri).next())).toBe('0')
})

test('a watch throws when the connection is lost for good', async () => {
  const counter = await counterServer()
  quickly(counter.server)
  const client = await connected(counter.server.url)
  const watch = client.watch(uri)
  await watch.next()
  const next = rejection(watch.next())
  counter.server.onGet = ({ response }) => response.writeHead(401).end()
  ;(await counter.server.streams.next()).cut()
  const error = await next
  expect(error).toBeInstanceOf(ClosedError)
  expect(error.cause).toBeInstanceOf(HttpError)
})
