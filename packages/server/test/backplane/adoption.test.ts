import { randomUUID } from 'node:crypto'
import { deferred } from '@tidings/testkit/deferred'
import { Log } from '@tidings/testkit/log'
import { post } from '@tidings/testkit/post'
import { until } from '@tidings/testkit/until'
import { health } from '../harness/health.ts'
import { accept, at, initialize, openStreamable, ping, startNodes, subscribe } from '../harness/nodes.ts'
import { proxyTo } from '../harness/proxy-to.ts'
import { connectRaw } from '../harness/raw-client.ts'
import { read, readAnswer } from '../harness/read.ts'
import { connectTidings, sessionTransports } from '../harness/tidings-client.ts'

import.meta.jest.setTimeout(30_000)

const opened = async (...nodes: { url: string }[]) =>
  (await Promise.all(nodes.map(({ url }) => health(url)))).reduce(
    (sum, { sessions }) => sum + sessions.opened,
    0,
  )

test.each(sessionTransports)(
  'over %s our client goes on at another node when its own dies: one session, and no change missed or told twice',
  async (transport) => {
    const { a, b, die } = await startNodes()
    const proxy = await proxyTo(a.port)
    const client = await connectTidings(proxy.url, { transport })
    let told = 0
    client.on('notifications/resources/updated', () => void told++)
    await client.subscribe('test://a')
    b.server.changed('test://a')
    await until(() => told === 1, 'the first change')
    proxy.target = b.port
    proxy.goDown()
    await die()
    b.server.changed('test://a')
    proxy.heal()
    await until(() => told === 2, 'the change while it was away')
    expect(await client.callTool('talk')).toMatchObject({ structuredContent: { result: null } })
    b.server.changed('test://a')
    await until(() => told === 3, 'the change after')
    expect(await opened(a, b)).toBe(1)
    expect((await health(b.url)).sessions).toMatchObject({ open: 1, adopted: 1 })
  },
)

test.each(sessionTransports)(
  'over %s a node that closes hands its sessions over: calls are answered, and nothing begins anew',
  async (transport) => {
    const goOn = deferred()
    const { a, b } = await startNodes(async ({ requestId }) => {
      if (requestId !== undefined) await goOn.promise
      return 'done'
    })
    const proxy = await proxyTo(a.port)
    const client = await connectTidings(proxy.url, { transport })
    let told = 0
    client.on('notifications/resources/updated', () => void told++)
    await client.subscribe('test://a')
    const slow = client.callTool('talk')
    await until(async () => (await health(a.url)).limits.requests.used > 0, 'the call runs')
    proxy.target = b.port
    const closed = a.server.close()
    goOn.resolve()
    expect(await slow).toMatchObject({ structuredContent: { result: 'done' } })
    await closed
    b.server.changed('test://a')
    await until(() => told > 0, 'the change after')
    expect(await client.callTool('talk')).toMatchObject({ structuredContent: { result: 'done' } })
    expect((await health(b.url)).sessions).toMatchObject({ opened: 0, open: 1 })
    expect(told).toBe(1)
  },
)

test.each([
  ['resources/subscribe', 'resources/unsubscribe'],
  ['resources/unsubscribe', 'resources/subscribe'],
] as const)(
  'a node that has lost a session without knowing it does not confirm %s by what it knows itself',
  async (method, other) => {
    const { a, b, die } = await startNodes()
    const session = await openStreamable(a.url)
    const ask = async (url: string, method: string) =>
      await (await post(`${url}/mcp`, { ...subscribe, method }, session)).json()
    expect(await ask(a.url, method)).toMatchObject({ result: {} })
    await die()
    expect(await ask(b.url, other)).toMatchObject({ result: {} })
    expect(await ask(a.url, method)).toMatchObject({ error: { data: { retry: true } } })
    expect(await ask(b.url, method)).toMatchObject({ result: {} })
    expect((await health(b.url)).limits.subscriptions.used).toBe(method === 'resources/subscribe' ? 1 : 0)
  },
)

test('while a node closes, requests of sessions that it has handed over are answered by the new home', async () => {
  const goOn = deferred()
  const { a, b } = await startNodes(() => goOn.promise)
  const idle = await openStreamable(a.url)
  const busy = await openStreamable(a.url)
  const slow = post(`${a.url}/mcp`, { ...ping, method: 'tools/call', params: { name: 'talk' } }, busy)
  await until(async () => (await health(a.url)).limits.requests.used > 0, 'the call runs')
  const closed = a.server.close()
  await until(async () => (await health(a.url)).sessions.open === 1, 'the idle session is handed over')
  const answer = await post(`${a.url}/mcp`, ping, idle)
  expect([answer.status, await answer.json()]).toMatchObject([200, { id: 'p', result: {} }])
  expect((await health(b.url)).sessions).toMatchObject({ adopted: 1 })
  expect((await post(`${a.url}/mcp`, initialize, { Accept: accept })).status).toBe(503)
  goOn.resolve()
  expect((await slow).status).toBe(200)
  await closed
})

test('a client that has nothing but its session id is adopted, too, and only if it is who opened it', async () => {
  const { a, b, die } = await startNodes(undefined, { principal: (ctx) => ctx.get('X-User') || undefined })
  const alice = { 'X-User': 'alice' }
  const response = await post(`${a.url}/mcp`, initialize, { Accept: accept, ...alice })
  const session = { Accept: accept, 'Mcp-Session-Id': response.headers.get('Mcp-Session-Id')! }
  expect((await post(`${a.url}/mcp`, subscribe, { ...session, ...alice })).status).toBe(200)
  await die()
  expect((await post(`${b.url}/mcp`, ping, { ...session, 'X-User': 'bob' })).status).toBe(403)
  expect((await post(`${b.url}/mcp`, ping, session)).status).toBe(403)
  expect((await post(`${b.url}/mcp`, ping, { ...session, ...alice })).status).toBe(200)
  const stream = await read(`${b.url}/mcp`, { ...session, ...alice })
  b.server.changed('test://a')
  await stream.until(() => stream.events.some(({ data }) => data.includes('resources/updated')), 'the change')
})

test('a ping that waits for a node that died is answered by the node that takes the session over', async () => {
  const { a, b, die, members } = await startNodes()
  const session = await openStreamable(a.url)
  const sent = deferred()
  members[0]!.receive = () => sent.resolve()
  const answer = post(`${b.url}/mcp`, ping, session)
  await sent.promise
  await die()
  expect((await answer).status).toBe(200)
  expect(await (await answer).json()).toMatchObject({ id: 'p', result: {} })
})

test('HTTP+SSE: without the backplane a request is accepted once its answer is on its way, and otherwise never', async () => {
  const goOn = deferred()
  const { a, backplane } = await startNodes(() => goOn.promise, { logger: new Log() })
  const client = await connectRaw(a.url)
  backplane.save = () => Promise.reject(new Error('no connection'))
  const slow = client.send({ id: 'slow', method: 'tools/call', params: { name: 'talk' } })
  await until(async () => (await health(a.url)).limits.requests.used > 0, 'the call runs')
  goOn.resolve()
  expect((await slow).status).toBe(202)
  expect(await client.answer('slow')).toMatchObject({ result: {} })
  client.reader.cut()
  await until(async () => (await health(a.url)).connected_clients === 0, 'the client is away')
  const refused = await client.send(ping)
  expect([refused.status, await refused.json()]).toMatchObject([
    502,
    { id: 'p', error: { data: { mayHaveRun: true } } },
  ])
})

test('HTTP+SSE: a request that was in flight on a node that died is answered with an error', async () => {
  const begun = deferred()
  const { a, b, die } = await startNodes(() => {
    begun.resolve()
    return new Promise(() => {})
  })
  const client = await connectRaw(a.url)
  // The 202 comes when the backplane knows of the request.
  const taken = await post(client.endpoint, {
    ...ping,
    id: 'slow',
    method: 'tools/call',
    params: { name: 'talk' },
  })
  expect(taken.status).toBe(202)
  await begun.promise
  const { lastEventId } = client.reader
  await die()
  const back = await read(`${b.url}/sse`, { 'Last-Event-ID': lastEventId })
  await back.next()
  expect(await back.message()).toMatchObject({ id: 'slow', error: { data: { mayHaveRun: true } } })
  expect(at(b.url, client.endpoint)).toContain(back.events[0]!.data)
})

test('streamable: who comes back for a stream of a request that was in flight gets an error', async () => {
  const { a, b, die, backplane } = await startNodes(({ progress }) => {
    progress({ progress: 1 })
    return new Promise(() => {})
  })
  const saved = new Set<string>()
  const save = backplane.save.bind(backplane)
  backplane.save = (session, node, record) => {
    saved.add(record)
    return save(session, node, record)
  }
  const session = await openStreamable(a.url)
  const slow = { id: 'slow', method: 'tools/call', params: { name: 'talk', _meta: { progressToken: 't' } } }
  const stream = await readAnswer(`${a.url}/mcp`, { ...ping, ...slow }, session)
  await stream.until(() => stream.events.length > 1, 'progress')
  await until(() => [...saved].some((record) => record.includes('"slow"')), 'the stream is stored')
  await die()
  const back = await read(`${b.url}/mcp`, { ...session, 'Last-Event-ID': stream.lastEventId })
  await back.untilClosed()
  expect(JSON.parse(back.events.at(-1)!.data)).toMatchObject({
    id: 'slow',
    error: { data: { mayHaveRun: true } },
  })
})

test('messages that wait for their reader are there at the next node, in order, once', async () => {
  const { a, b, die, backplane } = await startNodes(({ log }) => {
    for (let i = 0; i < 3; i++) log('info', `said ${i}`)
    return 'done'
  })
  const id = randomUUID()
  await post(`${a.url}/mcp?client_id=${id}`, initialize)
  await post(`${a.url}/mcp?client_id=${id}`, { ...ping, method: 'tools/call', params: { name: 'talk' } })
  const isStored = async () => ((await backplane.claim(id, 'observer', 1)).home, true)
  expect(await isStored()).toBe(true)
  let record = ''
  const save = backplane.save.bind(backplane)
  backplane.save = (session, node, json) => {
    record = json
    return save(session, node, json)
  }
  await post(`${a.url}/mcp?client_id=${id}`, {
    ...ping,
    id: 2,
    method: 'tools/call',
    params: { name: 'talk' },
  })
  await until(() => record.split('said').length === 7, 'the messages are stored')
  await die()
  const stream = await read(`${b.url}/sse?client_id=${id}`)
  const said = () => stream.events.filter(({ data }) => data.includes('said')).map(({ data }) => data)
  await stream.until(() => said().length === 6, 'all six')
  expect(said().map((data) => JSON.parse(data).params.data)).toEqual(
    [0, 1, 2, 0, 1, 2].map((i) => `said ${i}`),
  )
})

test('what cannot be stored is not promised', async () => {
  const { a, backplane } = await startNodes(undefined, { logger: new Log() })
  const session = await openStreamable(a.url)
  await post(`${a.url}/mcp`, ping, session)
  const save = backplane.save.bind(backplane)
  backplane.save = () => Promise.reject(new Error('no connection'))
  const refused = await (await post(`${a.url}/mcp`, subscribe, session)).json()
  expect(refused).toMatchObject({ id: 's', error: { message: expect.stringContaining('Try again') } })
  // What needs no store goes on.
  expect((await post(`${a.url}/mcp`, ping, session)).status).toBe(200)
  backplane.save = save
  expect(await (await post(`${a.url}/mcp`, subscribe, session)).json()).toMatchObject({ id: 's', result: {} })
})

test('a displaced node keeps the sessions that nobody has adopted, and lets the others go', async () => {
  const { a, b, backplane, die, members } = await startNodes()
  const [member] = members
  const [kept, taken] = [await openStreamable(a.url), await openStreamable(a.url)]
  const stream = await read(`${a.url}/mcp`, taken)
  await die()
  expect((await post(`${b.url}/mcp`, ping, taken)).status).toBe(200)
  await backplane.join(member!)
  member!.displaced()
  await stream.untilClosed()
  expect(stream.comments).toContain('adopted by another node')
  for (const session of [kept, taken]) {
    for (const { url } of [a, b]) expect((await post(`${url}/mcp`, ping, session)).status).toBe(200)
  }
  expect([(await health(a.url)).sessions.open, (await health(b.url)).sessions.open]).toEqual([1, 1])
})

test('a record of another version is no session', async () => {
  const log = new Log()
  const { b, backplane } = await startNodes(undefined, { logger: log })
  await backplane.claim('other', 'dead', 60_000, '{"version":99}')
  await backplane.handOver('other', 'dead', '{"version":99}')
  expect((await post(`${b.url}/mcp`, ping, { Accept: accept, 'Mcp-Session-Id': 'other' })).status).toBe(404)
})

test('with sessions in memory a session ends with its node, and nothing is stored', async () => {
  const { a, b, die, backplane } = await startNodes(undefined, { sessions: 'memory' })
  backplane.save = () => Promise.reject(new Error('it must not be stored'))
  const session = await openStreamable(a.url)
  expect((await post(`${a.url}/mcp`, subscribe, session)).status).toBe(200)
  await die()
  expect((await post(`${b.url}/mcp`, ping, session)).status).toBe(404)
})
