import { Inbox } from '@tidings/testkit/inbox'
import { Log } from '@tidings/testkit/log'
import { connected, fakeHttpSse } from '../harness/harness.ts'
import { legacyTransports, onTransport, sendTo, transports } from '../harness/transports.ts'

const oops = new Error('oops')
// A promise of another library.
const thenable = { then: (_resolve: unknown, reject: (error: Error) => void) => reject(oops) }

const failures: [string, () => unknown][] = [
  [
    'throws',
    () => {
      throw oops
    },
  ],
  ['is async and throws', async () => Promise.reject(oops)],
  ['returns a thenable that rejects', () => thenable],
]

const unhandled = new Inbox<unknown>()
const note = (error: unknown) => unhandled.push(error)
beforeAll(() => void process.on('unhandledRejection', note))
afterAll(() => void process.off('unhandledRejection', note))
// Rejections are reported at the end of a turn.
afterEach(async () => {
  await new Promise(setImmediate)
  expect(unhandled.all).toEqual([])
})

test.each(transports.flatMap((transport) => failures.map((failure) => [transport, ...failure] as const)))(
  '%s: an onProgress that %s is a logged error, and the call goes on',
  async (transport, _what, fail) => {
    const logger = new Log()
    const { server, client } = await onTransport(transport, { logger })
    server.hold('tools/call')
    const call = client.callTool('x', {}, { onProgress: fail })
    const post = await server.post('tools/call')
    const progress = {
      method: 'notifications/progress',
      // Some servers send it back as a string.
      params: { progressToken: String(post.message.id), progress: 1 },
    }
    const response = { id: post.message.id, result: { resultType: 'complete', content: [] } }
    if (transport === 'http+sse') for (const message of [progress, response]) sendTo(server, message)
    else {
      const stream = post.stream()
      for (const message of [progress, response]) stream.message(message)
    }
    await call
    expect(await logger.lines.next(({ level }) => level === 'error')).toMatchObject({
      message: 'onProgress threw',
      fields: { err: oops, method: 'tools/call' },
    })
  },
)

test.each(
  legacyTransports.flatMap((transport) => failures.map((failure) => [transport, ...failure] as const)),
)(
  '%s: a listener that %s is a logged error, and the other listeners are called',
  async (transport, _what, fail) => {
    const logger = new Log()
    const { server, client } = await onTransport(transport, { logger })
    const heard = new Inbox<unknown>()
    client.on('notifications/message', fail)
    client.on('notifications/message', ({ data }) => heard.push(data))
    sendTo(server, { method: 'notifications/message', params: { level: 'info', data: 'one' } })
    expect(await heard.next()).toBe('one')
    expect(await logger.lines.next(({ level }) => level === 'error')).toMatchObject({
      message: 'a listener threw',
      fields: { err: oops, event: 'notifications/message' },
    })
  },
)

test.each(failures)(
  'a listener of the state that %s stops neither a reconnect nor close()',
  async (_what, fail) => {
    const logger = new Log()
    const { server, client } = await onTransport('http+sse', { logger })
    client.on('state', fail)
    ;(await server.streams.next()).cut()
    await server.streams.next()
    await client.ping()
    await client.close()
    expect(logger.errors).toEqual(Array(logger.errors.length).fill(oops))
    expect(logger.errors.length).toBeGreaterThanOrEqual(3)
  },
)

test.each(failures)('a logger that %s changes nothing', async (_what, fail) => {
  const method = fail
  const logger = { debug: method, info: method, warn: method, error: method }
  const server = await fakeHttpSse()
  const client = await connected(server.url, { logger })
  client.on('notifications/message', () => {
    throw oops
  })
  server.send({ method: 'notifications/message', params: { level: 'info', data: 'one' } })
  server.send({ method: 'notifications/unknown' })
  server.send({ method: 'notifications/progress', params: 'nonsense' })
  await client.ping()
  expect(client.state).toBe('connected')
})
