import { changesOf } from '../harness/internals.ts'
import { post } from '@tidings/testkit/post'
import type { SseEvent } from '@tidings/testkit/sse-stream'
import { health } from '../harness/health.ts'
import { heapUsed } from '@tidings/testkit/heap-used'
import { listen } from '../harness/listen.ts'
import { connectRaw } from '../harness/raw-client.ts'
import { read } from '../harness/read.ts'
import { start } from '../harness/start.ts'

const uri = `test://counter/${'x'.repeat(4_000)}`

async function counting(options = {}) {
  let count = 0
  const serving = await start((server) => {
    server.resource(uri, {}, () => ({ count }))
    server.resource('test://other', {}, () => 'other')
    server.tool('answer', {}, () => ({ content: [{ type: 'text', text: String(count) }] }))
  }, options)
  const changed = () => {
    count++
    serving.server.changed(uri)
  }
  /** Many changes, each in a tick of its own, so that a reader who keeps up is told each. */
  const publish = async (changes: number) => {
    for (let i = 1; i <= changes; i++) {
      changed()
      await new Promise(setImmediate)
    }
  }
  return { ...serving, changed, publish, count: () => count }
}

const isUpdate = ({ data }: SseEvent) => data.includes('notifications/resources/updated')
const seqOf = ({ id }: SseEvent) => Number(id!.split('.')[2])

test('a change reaches every subscriber of its topic, and nobody else', async () => {
  const { url, changed } = await counting()
  const [a, b, other] = await Promise.all([connectRaw(url), connectRaw(url), connectRaw(url)])
  await a.request('resources/subscribe', { uri })
  await b.request('resources/subscribe', { uri })
  await other.request('resources/subscribe', { uri: 'test://other' })
  changed()
  await Promise.all(
    [a, b].map(({ reader }) => reader.until(() => reader.events.some(isUpdate), 'the update')),
  )
  await other.request('ping')
  expect(other.reader.events.filter(isUpdate)).toEqual([])
  await a.request('resources/unsubscribe', { uri })
  changed()
  await b.reader.until(() => b.reader.events.filter(isUpdate).length === 2, 'the second update')
  await a.request('ping')
  expect(a.reader.events.filter(isUpdate)).toHaveLength(1)
})

test('a list that changes is announced to every session', async () => {
  const { url, server } = await counting()
  const client = await connectRaw(url)
  await client.request('ping')
  const tool = server.tool('late', {}, () => ({ content: [] }))
  server.prompt('late', {}, () => ({ messages: [] }))
  const resource = server.resource('test://late', {}, () => 'late')
  const methods = () => client.messages.flatMap(({ method }) => method ?? [])
  await client.reader.until(() => methods().length === 3, 'three announcements')
  expect(methods()).toEqual([
    'notifications/tools/list_changed',
    'notifications/prompts/list_changed',
    'notifications/resources/list_changed',
  ])
  tool.update({ description: 'now with words' })
  await client.reader.until(() => methods().length === 4, 'the update of the tool')
  tool.remove()
  resource.remove()
  tool.remove()
  await client.reader.until(() => methods().length === 6, 'the removals')
})

test('a stream that broke is resumed by its last event id: what was missed comes, once', async () => {
  const { url, server, changed } = await counting()
  const first = await connectRaw(url)
  await first.request('resources/subscribe', { uri })
  changed()
  await first.reader.until(() => first.reader.events.some(isUpdate))
  const { lastEventId } = first.reader
  first.reader.cut()
  for (let i = 0; i < 10; i++) changed()
  server.listChanged('tools')
  await first.send({ id: 'while away', method: 'tools/call', params: { name: 'answer' } })

  const second = await read(`${url}/sse`, { 'Last-Event-ID': lastEventId })
  expect(second.response.headers['tidings-recovered']).toBe('true')
  const endpoint = await second.next()
  expect(endpoint.event).toBe('endpoint')
  expect(new URL(endpoint.data, url).href).toBe(first.endpoint)
  expect(await second.message()).toMatchObject({ id: 'while away', result: { content: [{ text: '11' }] } })
  expect(await second.message()).toMatchObject({ method: 'notifications/resources/updated', params: { uri } })
  expect(await second.message()).toMatchObject({ method: 'notifications/tools/list_changed' })
  changed()
  expect(await second.message()).toMatchObject({ method: 'notifications/resources/updated' })
})

test('what was written to a connection that was lost on the way is written again', async () => {
  const { url, changed } = await counting()
  const first = await connectRaw(url)
  await first.request('resources/subscribe', { uri })
  const { lastEventId } = first.reader
  changed()
  await first.request('tools/call', { name: 'answer' })
  await first.reader.until(() => first.reader.events.some(isUpdate))
  // As if neither had arrived.
  const second = await read(`${url}/sse`, { 'Last-Event-ID': lastEventId })
  await second.next()
  const again = [await second.message(), await second.message()]
  expect(again.map(({ id, method }) => method ?? id).sort()).toEqual([3, 'notifications/resources/updated'])
  await first.reader.untilClosed()
  expect(first.reader.comments.at(-1)).toBe('replaced by a newer stream')
})

test('an id of which nothing is known opens a new session, and says so', async () => {
  const { url } = await counting()
  const client = await connectRaw(url)
  const [session, epoch] = client.reader.lastEventId.split('.')
  const forged = [
    'nonsense',
    'x'.repeat(10_000),
    `${'A'.repeat(22)}.${epoch}.0.0`,
    `${session}.otherEpo.0.0`,
    `${session}.${epoch}.999.0`,
    `${session}.${epoch}.0.999`,
  ]
  for (const id of forged) {
    const reader = await read(`${url}/sse`, { 'Last-Event-ID': id })
    expect(reader.response.headers['tidings-recovered']).toBe('false')
    const { data } = await reader.next()
    expect(new URL(data, url).href).not.toBe(client.endpoint)
  }
})

test('another principal cannot resume, post to or end a session', async () => {
  const { url } = await counting({ principal: (ctx: any) => ctx.get('Authorization') || undefined })
  const client = await connectRaw(url, { headers: { Authorization: 'alice' } })
  expect((await post(client.endpoint, { jsonrpc: '2.0', id: 1, method: 'ping' })).status).toBe(403)
  const reader = await read(`${url}/sse`, { Authorization: 'alice' })
  const { data, id } = await reader.next()
  const theirs = await read(`${url}/sse`, { Authorization: 'mallory', 'Last-Event-ID': id! })
  expect(theirs.response.headers['tidings-recovered']).toBe('false')
  expect((await theirs.next()).data).not.toBe(data)
  const endpoint = new URL(data, url)
  const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
  for (const method of ['POST', 'DELETE']) {
    const headers = { Authorization: 'mallory', 'Content-Type': 'application/json' }
    const { status } = await fetch(endpoint, { method, headers, ...(method === 'POST' && { body: ping }) })
    expect(status).toBe(403)
  }
  expect((await fetch(endpoint, { method: 'DELETE', headers: { Authorization: 'alice' } })).status).toBe(204)
})

test('200,000 changes while one reader does not read: memory is flat, the others are up to date, and it is told the last', async () => {
  const { url, server, publish, count } = await counting()
  const readers = await Promise.all([connectRaw(url), connectRaw(url), connectRaw(url)])
  for (const client of readers) await client.request('resources/subscribe', { uri })
  const [stalled, ...others] = readers
  stalled.reader.stall()
  const updates = (reader: typeof stalled) => reader.reader.events.filter(isUpdate)
  const last = () => changesOf(server).seq
  const caughtUp = (reader: typeof stalled) =>
    reader.reader.until(
      () => updates(reader).length > 0 && seqOf(updates(reader).at(-1)!) === last(),
      'the last change',
    )

  await publish(5_000)
  await Promise.all(others.map(caughtUp))
  const toldWhileStalled = updates(stalled).length
  for (const { reader } of others) reader.events.length = 0
  const before = await heapUsed()
  await publish(5_000)
  await Promise.all(others.map(caughtUp))
  for (const { reader } of others) reader.events.length = 0
  expect(count()).toBe(10_000)
  // Less than a tenth of what a queue of the changes that it was not told would hold.
  expect((await heapUsed()) - before).toBeLessThan(2 * 1024 * 1024)
  expect(updates(stalled).length).toBe(toldWhileStalled)

  stalled.reader.goOn()
  await caughtUp(stalled)
  const seqs = updates(stalled).map(seqOf)
  expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b))
  expect(seqs.length).toBeLessThan(5_000)
}, 60_000)

test.each([10, 1_000])(
  '%i changes of one topic in one tick are told once or twice, to every reader',
  async (times) => {
    const { url, server, changed } = await counting()
    const client = await connectRaw(url)
    await client.request('resources/subscribe', { uri })
    await client.request('resources/subscribe', { uri: 'test://other' })
    const stream = await listen(url, { toolsListChanged: true, resourceSubscriptions: [uri] })
    await stream.next()
    for (let i = 0; i < times; i++) {
      changed()
      server.tool(`tool ${i}`, {}, () => ({ content: [] }))
      if (i === 5) server.changed('test://other')
    }
    await new Promise(setImmediate)
    server.listChanged('prompts')
    await client.reader.until(() => client.messages.at(-1)?.method === 'notifications/prompts/list_changed')
    // One at once, and one at the end of the tick, for whatever came in between.
    const told = (method: string, uri?: string) =>
      client.messages.filter((each) => each.method === method && each.params?.uri === uri)
    expect(told('notifications/resources/updated', uri)).toHaveLength(2)
    expect(told('notifications/tools/list_changed')).toHaveLength(2)
    expect(told('notifications/resources/updated', 'test://other')).toHaveLength(1)
    const seqs = client.reader.events
      .filter(({ event, id }) => event === 'message' && id!.split('.').length === 3)
      .map(seqOf)
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b))
    expect(seqs.at(-1)).toBe(changesOf(server).seq)
    await stream.until(() => stream.events.length === 5, 'two changes of each topic')
    await client.request('ping')
    expect(stream.events).toHaveLength(5)
  },
)

test('a stalled reader is sent each of its topics that changed once, not each change', async () => {
  const { url, server, changed, publish } = await counting()
  const client = await connectRaw(url)
  await client.request('resources/subscribe', { uri })
  await client.request('resources/subscribe', { uri: 'test://other' })
  client.reader.stall()
  // Until its socket takes no more, a reader that has stalled cannot be told from one that keeps up.
  await publish(5_000)
  for (const tick of [() => server.changed('test://other'), changed, () => server.changed('test://other')]) {
    tick()
    await new Promise(setImmediate)
  }
  server.listChanged('prompts')
  client.reader.goOn()
  await client.reader.until(
    () => client.messages.at(-1)?.method === 'notifications/prompts/list_changed',
    'the list',
  )
  expect(client.messages.filter(({ params }) => params?.uri === 'test://other')).toHaveLength(1)
  expect(client.reader.events.length).toBeLessThan(4_500)
}, 60_000)

test('a session whose reader lets too many messages wait is ended, and counted', async () => {
  const { url } = await start((server) => {
    server.tool('talk', {}, (_args, { log }) => {
      for (let i = 0; i < 20_000; i++) log('error', 'x'.repeat(1000))
      return { content: [] }
    })
  })
  const client = await connectRaw(url)
  client.reader.stall()
  await client.send({ id: 'talk', method: 'tools/call', params: { name: 'talk' } })
  expect(await health(url)).toMatchObject({ sessions: { open: 0, ended: { 'mailbox full': 1 } } })
  client.reader.goOn()
  await client.reader.untilClosed()
  expect(client.reader.comments.at(-1)).toBe('mailbox full')
})

test('comments keep a silent stream alive', async () => {
  const { url } = await start(() => {}, { keepAliveMs: 20 })
  const reader = await read(`${url}/sse`)
  await reader.until(() => reader.comments.filter((comment) => comment === '').length >= 3, 'comments')
})
