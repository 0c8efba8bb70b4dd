import { deferred } from '@tidings/testkit/deferred'
import { Log } from '@tidings/testkit/log'
import { post } from '@tidings/testkit/post'
import { until } from '@tidings/testkit/until'
import { health } from '../harness/health.ts'
import { openStreamable, ping, startNodes, subscribe } from '../harness/nodes.ts'
import { connectRaw } from '../harness/raw-client.ts'
import { proxyTo } from '../harness/proxy-to.ts'
import { read, readAnswer } from '../harness/read.ts'
import { connectTidings } from '../harness/tidings-client.ts'

import.meta.jest.setTimeout(30_000)

const talk = {
  ...ping,
  id: 'slow',
  method: 'tools/call',
  params: { name: 'talk', _meta: { progressToken: 't' } },
}

test('what could not be stored is not promised to who asks again', async () => {
  const { a, backplane } = await startNodes(undefined, { logger: new Log() })
  const session = await openStreamable(a.url)
  const save = backplane.save.bind(backplane)
  backplane.save = () => Promise.reject(new Error('no connection'))
  const asked = async () => (await post(`${a.url}/mcp`, subscribe, session)).json()
  for (let i = 0; i < 3; i++)
    expect(await asked()).toMatchObject({ id: 's', error: { data: { retry: true } } })
  backplane.save = save
  expect(await asked()).toMatchObject({ id: 's', result: {} })
})

test('a list that changes while a client that only initialized is between two nodes is told', async () => {
  const { a, b, die } = await startNodes()
  const client = await connectRaw(a.url)
  await client.send({ method: 'notifications/initialized' })
  await client.request('ping')
  const { lastEventId } = client.reader
  await die()
  b.server.tool('new', {}, () => ({ content: [] }))
  const back = await read(`${b.url}/sse`, { 'Last-Event-ID': lastEventId })
  await back.until(() => back.events.some(({ data }) => data.includes('tools/list_changed')), 'the change')
})

test('the error of a request of a dead node waits for its client, whatever number of nodes die before it comes', async () => {
  const { a, b, c, die, members, backplane } = await startThree()
  const records: string[] = []
  const save = backplane.save.bind(backplane)
  backplane.save = (session, node, record) => {
    records.push(record)
    return save(session, node, record)
  }
  const session = await openStreamable(a.url)
  const stream = await readAnswer(`${a.url}/mcp`, talk, session)
  await stream.until(() => stream.events.length > 1, 'progress')
  await until(() => records.some((record) => record.includes('"slow"')), 'the stream is stored')
  await die()
  records.length = 0
  expect((await post(`${b.url}/mcp`, ping, session)).status).toBe(200)
  await until(() => records.length > 0, 'the session is stored by its next home')
  await backplane.leave(members[1]!.node)
  const back = await read(`${c.url}/mcp`, { ...session, 'Last-Event-ID': stream.lastEventId })
  await back.untilClosed()
  expect(JSON.parse(back.events.at(-1)!.data)).toMatchObject({
    id: 'slow',
    error: { data: { mayHaveRun: true } },
  })

  async function startThree() {
    const nodes = await startNodes(({ progress }) => {
      progress({ progress: 1 })
      return new Promise(() => {})
    })
    return { ...nodes, c: await nodes.startNode() }
  }
})

test('HTTP+SSE: a request whose answer finds no stream is accepted when the answer is stored', async () => {
  const goOn = deferred()
  const { a, b, die, backplane } = await startNodes()
  const client = await connectRaw(a.url)
  const { lastEventId } = client.reader
  client.reader.cut()
  await until(async () => (await health(a.url)).connected_clients === 0, 'the stream is gone')
  const save = backplane.save.bind(backplane)
  backplane.save = async (session, node, record) => {
    await goOn.promise
    return save(session, node, record)
  }
  let accepted = false
  const sent = client.send({ ...ping, id: 'quick' }).then(({ status }) => {
    accepted = true
    return status
  })
  await (await fetch(`${a.url}/health`)).text()
  await (await fetch(`${a.url}/health`)).text()
  expect(accepted).toBe(false)
  goOn.resolve()
  expect(await sent).toBe(202)
  await die()
  const back = await read(`${b.url}/sse`, { 'Last-Event-ID': lastEventId })
  await back.until(() => back.events.some(({ data }) => data.includes('"quick"')), 'the answer')
})

test('a node that stops while its backplane is slow does not take its sessions with it', async () => {
  const { a, backplane } = await startNodes()
  const session = await openStreamable(a.url)
  const released: string[] = []
  const release = backplane.release.bind(backplane)
  backplane.release = (id, node) => {
    released.push(id)
    release(id, node)
  }
  backplane.save = () => new Promise(() => {})
  // It waits for the store, and so cannot be handed over.
  void post(`${a.url}/mcp`, subscribe, session).catch(() => {})
  await until(async () => (await health(a.url)).limits.subscriptions.used > 0, 'the subscription')
  await a.server.close({ deadlineMs: 50 })
  expect(released).toEqual([])
})

test('a record whose client is no JSON, or that counts more messages than it has, is no session', async () => {
  const { b, a, backplane } = await startNodes(undefined, { logger: new Log() })
  let record = ''
  const save = backplane.save.bind(backplane)
  backplane.save = (session, node, json) => {
    record = json
    return save(session, node, json)
  }
  const session = await openStreamable(a.url)
  await post(`${a.url}/mcp`, subscribe, session)
  const whole = JSON.parse(record)
  const faulty = [
    { ...whole, about: '{' },
    { ...whole, about: 'null' },
    { ...whole, channel: { ...whole.channel, mail: { ...whole.channel.mail, written: 1 } } },
  ]
  for (const [i, value] of faulty.entries()) {
    await backplane.claim(`faulty${i}`, 'dead', 60_000)
    await backplane.handOver(`faulty${i}`, 'dead', JSON.stringify(value))
    expect((await post(`${b.url}/mcp`, ping, { ...session, 'Mcp-Session-Id': `faulty${i}` })).status).toBe(
      404,
    )
  }
})

test('our client makes a read again that was in flight on a dead node, and says of a call that it may have run', async () => {
  const begun = deferred()
  let reads = 0
  const { a, b, die } = await startNodes(() => {
    begun.resolve()
    return new Promise(() => {})
  })
  a.server.resource('test://slow', {}, () => (reads++, new Promise<string>(() => {})))
  b.server.resource('test://slow', {}, () => 'read')
  const proxy = await proxyTo(a.port)
  const client = await connectTidings(proxy.url, { transport: 'http+sse' })
  const called = client.callTool('talk').catch((err: unknown) => err)
  const contents = client.readResource('test://slow')
  await begun.promise
  await until(() => reads > 0, 'the read')
  proxy.target = b.port
  proxy.goDown()
  await die()
  proxy.heal()
  expect(await called).toMatchObject({ name: 'ConnectionError', mayHaveRun: true })
  expect(await contents).toMatchObject({ contents: [{ text: 'read' }] })
})
