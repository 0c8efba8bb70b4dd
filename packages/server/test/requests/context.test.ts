import { deferred } from '@tidings/testkit/deferred'
import { Log } from '@tidings/testkit/log'
import type { HandlerContext } from '../../src/index.ts'
import { untilHealth } from '../harness/health.ts'
import { connectRaw } from '../harness/raw-client.ts'
import { read } from '../harness/read.ts'
import { start } from '../harness/start.ts'
import { asked, call, sendCall, sent, startWith, type Talk } from '../harness/talk.ts'

const forever = () => new Promise<never>(() => {})

test('a handler sees the request, who asks, and the session', async () => {
  const { url } = await start(
    (server) =>
      server.tool('talk', {}, (_args, { requestId, meta, principal, client, session, signal }) => ({
        structuredContent: {
          requestId,
          meta,
          principal,
          aborted: signal.aborted,
          session: [client.revision, client.info?.name, client.capabilities],
          isSession: session!.id.length >= 22,
        },
      })),
    { principal: () => 'ada' },
  )
  const client = await connectRaw(url, { protocolVersion: '2025-06-18', capabilities: { roots: {} } })
  const { result } = await call(client, { trace: 'x' })
  expect(result.structuredContent).toEqual({
    requestId: 2,
    meta: { trace: 'x' },
    principal: 'ada',
    aborted: false,
    session: ['2025-06-18', 'raw', { roots: {} }],
    isSession: true,
  })
})

test('progress is told under the token of the request, be it 0 or an empty string', async () => {
  const { url } = await startWith(({ progress }) => {
    progress({ progress: 1 })
    progress({ progress: 2, total: 3, message: 'nearly' })
  })
  const client = await connectRaw(url)
  for (const progressToken of ['t', 7, 0, '']) await call(client, { progressToken })
  expect(sent(client, 'notifications/progress').map(({ params }) => params)).toEqual(
    ['t', 7, 0, ''].flatMap((progressToken) => [
      { progressToken, progress: 1 },
      { progressToken, progress: 2, total: 3, message: 'nearly' },
    ]),
  )
})

test('progress that nobody asked for is not sent', async () => {
  const { url } = await startWith(({ progress }) => progress({ progress: 1 }))
  const client = await connectRaw(url)
  await call(client)
  await call(client, { other: 1 })
  expect(sent(client, 'notifications/progress')).toEqual([])
})

test('progress that cannot be delivered yet is merged into the newest, one for each token', async () => {
  const started = deferred()
  const away = deferred()
  const { url } = await startWith(async ({ progress }) => {
    started.resolve()
    await away.promise
    for (let i = 1; i <= 10_000; i++) progress({ progress: i })
  })
  const client = await connectRaw(url)
  await sendCall(client, 'a', { progressToken: 1 })
  await sendCall(client, 'b', { progressToken: '1' })
  await started.promise
  const { lastEventId } = client.reader
  client.reader.cut()
  await untilHealth(url, ({ connected_clients }) => connected_clients === 0)
  away.resolve()
  const back = await read(`${url}/sse`, { 'Last-Event-ID': lastEventId })
  await back.until(() => back.events.length === 5)
  const messages = back.events.slice(1).map(({ data }) => JSON.parse(data))
  const progress = messages.filter(({ method }) => method === 'notifications/progress')
  expect(progress.map(({ params }) => params)).toEqual([
    { progressToken: 1, progress: 10_000 },
    { progressToken: '1', progress: 10_000 },
  ])
  expect(messages.filter(({ id }) => id !== undefined).map(({ id }) => id)).toEqual(['a', 'b'])
})

test('progress after the answer is not sent', async () => {
  let late: HandlerContext['progress'] = () => {}
  const { url } = await startWith(({ progress }) => (late = progress) && null)
  const client = await connectRaw(url)
  await call(client, { progressToken: 't' })
  late({ progress: 1 })
  await client.request('ping')
  expect(sent(client, 'notifications/progress')).toEqual([])
})

test('progress and log messages come before the answer, in order', async () => {
  const { url } = await startWith(({ progress, log }) => {
    progress({ progress: 1 })
    log('info', 'one')
    progress({ progress: 2 })
    log('info', 'two')
  })
  const client = await connectRaw(url)
  const { id } = await call(client, { progressToken: 't' })
  const order = client.messages.map(({ id, params }) => params?.progress ?? params?.data ?? id)
  expect(order.slice(1)).toEqual([1, 'one', 2, 'two', id])
})

test('a request that is cancelled gets no answer, whatever its handler makes of it', async () => {
  const logger = new Log()
  const endings: Talk[] = [() => 'a result', () => Promise.reject(new Error('aborted')), forever]
  for (const ending of endings) {
    const started = deferred()
    const aborted = deferred<unknown>()
    const { url } = await startWith(async (context) => {
      context.signal.addEventListener('abort', () => aborted.resolve(context.signal.reason))
      started.resolve()
      await aborted.promise
      return ending(context)
    }, logger)
    const client = await connectRaw(url)
    await sendCall(client, 'c', { progressToken: 't' })
    await started.promise
    const params = { requestId: 'c', reason: 'The user lost interest' }
    expect((await client.send({ method: 'notifications/cancelled', params })).status).toBe(202)
    expect(await aborted.promise).toMatchObject({ name: 'AbortError', message: 'The user lost interest' })
    await client.request('ping')
    expect(client.messages.filter(({ id }) => id === 'c')).toEqual([])
    expect((await client.send({ id: 'c', method: 'ping' })).status).toBe(202)
    expect(await client.answer('c')).toMatchObject({ result: {} })
  }
  expect(logger.errors).toEqual([])
})

test('a request of another session cannot be cancelled', async () => {
  const started = deferred()
  const finish = deferred()
  const { url } = await startWith(async () => {
    started.resolve()
    await finish.promise
    return 'mine'
  })
  const [client, other] = [await connectRaw(url), await connectRaw(url)]
  await sendCall(client, 'c')
  await started.promise
  await other.send({ method: 'notifications/cancelled', params: { requestId: 'c' } })
  await other.request('ping')
  finish.resolve()
  expect((await client.answer('c')).result.structuredContent).toEqual({ result: 'mine' })
})

test('the signal of a request that was answered stays as it is', async () => {
  let signal: AbortSignal | undefined
  const { url } = await startWith((context) => (signal = context.signal) && null)
  const client = await connectRaw(url)
  await call(client)
  await client.send({ method: 'notifications/cancelled', params: { requestId: 2 } })
  await fetch(client.endpoint, { method: 'DELETE' })
  await client.reader.untilClosed()
  expect(signal!.aborted).toBe(false)
})

test('a signal that is first looked at after the cancellation is aborted already', async () => {
  const started = deferred()
  const cancelled = deferred()
  const seen = deferred<unknown>()
  const { url } = await startWith(async (context) => {
    started.resolve()
    await cancelled.promise
    seen.resolve(context.signal.reason)
  })
  const client = await connectRaw(url)
  await sendCall(client, 'c')
  await started.promise
  await client.send({ method: 'notifications/cancelled', params: { requestId: 'c' } })
  cancelled.resolve()
  expect(await seen.promise).toMatchObject({ name: 'AbortError', message: 'Cancelled by the client' })
})

test('the end of the session aborts its handlers, and what they wait for', async () => {
  const logger = new Log()
  const aborted = deferred<unknown>()
  const rejected = deferred<unknown>()
  const { url } = await startWith(async ({ roots, signal }) => {
    signal.addEventListener('abort', () => aborted.resolve(signal.reason))
    await roots().catch(rejected.resolve)
  }, logger)
  const client = await connectRaw(url, { capabilities: { roots: {} } })
  await sendCall(client, 'c')
  await asked(client, 'roots/list')
  expect((await fetch(client.endpoint, { method: 'DELETE' })).status).toBe(204)
  expect(await aborted.promise).toMatchObject({ name: 'AbortError', message: 'ended by its client' })
  expect(await rejected.promise).toMatchObject({ name: 'AbortError' })
  await client.reader.untilClosed()
  expect(logger.errors).toEqual([])
})

test('a client that initializes again begins anew: what was in flight is aborted', async () => {
  const started = deferred()
  const aborted = deferred<unknown>()
  const { url } = await startWith(({ signal }) => {
    signal.addEventListener('abort', () => aborted.resolve(signal.reason))
    started.resolve()
    return forever()
  })
  const client = await connectRaw(url)
  await sendCall(client, 'c')
  await started.promise
  const clientInfo = { name: 'again', version: '1' }
  const params = { protocolVersion: '2025-03-26', capabilities: {}, clientInfo }
  expect((await client.request('initialize', params)).result.protocolVersion).toBe('2025-03-26')
  expect(await aborted.promise).toMatchObject({ name: 'AbortError' })
  expect(client.messages.filter(({ id }) => id === 'c')).toEqual([])
})
