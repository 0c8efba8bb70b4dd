import { once } from 'node:events'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { deferred } from '@tidings/testkit/deferred'
import { defer } from '@tidings/testkit/disposers'
import { Log } from '@tidings/testkit/log'
import type { SseReader } from '@tidings/testkit/sse-reader'
import { until } from '@tidings/testkit/until'
import { handler, McpServer, MemoryBackplane, type McpOptions } from '../../src/index.ts'
import { health, untilHealth } from '../harness/health.ts'
import { connectHttp2, Http2Client, type Http2Reader } from '../harness/http2.ts'
import { listen } from '../harness/listen.ts'
import { modernBody, modernHeaders } from '../harness/modern.ts'
import { connectRaw } from '../harness/raw-client.ts'
import { read, readAnswer } from '../harness/read.ts'
import { start } from '../harness/start.ts'

const { jest } = import.meta
const uri = 'test://counter'
const accept = 'application/json, text/event-stream'
const maxAgeMs = 60_000

// prettier-ignore
const otherClocks = ['Date', 'hrtime', 'nextTick', 'queueMicrotask', 'setImmediate', 'clearImmediate'] as const

/** The clock of intervals is the test's. */
function takeIntervals(): void {
  jest.useFakeTimers({ doNotFake: [...otherClocks, 'setTimeout', 'clearTimeout'] })
  defer(takeIntervals, () => jest.useRealTimers())
}

/** The clock of timeouts is the test's. */
function takeTimeouts(): void {
  jest.useFakeTimers({ doNotFake: [...otherClocks, 'setInterval', 'clearInterval', 'performance'] })
  defer(takeTimeouts, () => jest.useRealTimers())
}
const pass = (ms: number) => void jest.advanceTimersByTime(ms)

type Ask = NonNullable<McpOptions['principal']>

const requests = [
  ['GET', '/sse'],
  ['POST', '/messages?sessionId=x'],
  ['DELETE', '/messages?sessionId=x'],
  ['POST', '/mcp?client_id=0123456789012345678901'],
  ['DELETE', '/mcp?client_id=0123456789012345678901'],
  ['GET', '/mcp'],
  ['POST', '/mcp'],
] as const

function begin(url: string, method: string, headers: Record<string, string> = {}): ClientRequest {
  const all = { Accept: accept, 'Content-Type': 'application/json', ...headers }
  const request = httpRequest(url, { method, agent: false, headers: all })
  request.end(method === 'POST' ? '{"jsonrpc":"2.0","id":1,"method":"ping"}' : undefined)
  return request
}

async function answerTo(request: ClientRequest): Promise<{ status: number; headers: object; text: string }> {
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return { status: response.statusCode!, headers: response.headers, text }
}

describe('a principal function that fails', () => {
  const cyclic: { self?: unknown } = {}
  cyclic.self = cyclic
  const thrown: [string, unknown][] = [
    ['undefined', undefined],
    ['null', null],
    ['a number', 7],
    ['a BigInt', 7n],
    ['a symbol', Symbol('x')],
    ['an object that JSON cannot express', { cyclic, big: 7n }],
    [
      'an object whose toJSON throws',
      {
        toJSON: () => {
          // eslint-disable-next-line @typescript-eslint/only-throw-error -- as applications do
          throw undefined
        },
      },
    ],
    ['an error', new Error('the directory is down')],
  ]

  test.each(thrown)(
    'by throwing %s is a 500 on every request, and an error that is logged',
    async (_, value) => {
      const asks: Ask[] = [
        () => {
          throw value
        },
        async () => {
          await Promise.resolve()
          throw value
        },
      ]
      for (const principal of asks) {
        const logger = new Log()
        const { url } = await start(() => {}, { principal, logger })
        for (const [method, path] of requests) {
          expect([method, path, (await answerTo(begin(url + path, method))).status]).toEqual([
            method,
            path,
            500,
          ])
        }
        expect(logger.errors).toHaveLength(requests.length)
        if (value instanceof Error) expect(logger.errors[0]).toBe(value)
        else {
          expect(logger.errors[0].message).toMatch(
            /^principal must throw an error to refuse a caller, as ctx\.throw/,
          )
          expect(logger.errors[0].cause).toBe(value)
        }
        expect((await health(url)).limits.requests.used).toBe(0)
      }
    },
  )

  const failure = (fields: object) => Object.assign(new Error('no'), fields)
  const throwing = (name: string): Error =>
    Object.defineProperty(new Error('no'), name, {
      get() {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- as applications do
        throw undefined
      },
    })
  const untold: [string, () => unknown][] = [
    ['a header of characters that none can hold', () => failure({ status: 401, headers: { A: '日本' } })],
    ['a header of two lines', () => failure({ status: 401, headers: { A: 'a\r\nb: c' } })],
    ['a header without a name', () => failure({ status: 401, headers: { 'a b': 'c' } })],
    ['a header that is undefined', () => failure({ status: 401, headers: { A: undefined } })],
    ['the status of an answer that goes on', () => failure({ status: 100 })],
    ['the code of a connection that it has lost itself', () => failure({ code: 'ECONNRESET' })],
    ['the code of a connection that it could not write to', () => failure({ code: 'EPIPE' })],
    ['a message that throws', () => throwing('message')],
    ['headers that throw', () => throwing('headers')],
    ['a code that throws', () => throwing('code')],
    [
      'nothing that can be read',
      () => new Proxy(new Error('no'), { get: () => (throwing('x') as { x?: unknown }).x }),
    ],
  ]

  test.each(untold)('by an error with %s is a 500, and the server goes on', async (_, made) => {
    const asks: Ask[] = [
      () => {
        throw made()
      },
      async () => {
        await Promise.resolve()
        throw made()
      },
    ]
    for (const principal of asks) {
      const { url } = await start(() => {}, { principal, logger: new Log() })
      for (const [method, path] of requests) {
        const { status } = await answerTo(begin(url + path, method))
        expect([method, path, status]).toEqual([method, path, 500])
      }
      expect((await health(url)).limits.requests.used).toBe(0)
    }
  })

  test('by a result whose then throws is a 500', async () => {
    const logger = new Log()
    const principal = (() => ({
      get then() {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- as applications do
        throw undefined
      },
    })) as unknown as Ask
    const { url } = await start(() => {}, { principal, logger })
    for (const [method, path] of requests)
      expect((await answerTo(begin(url + path, method))).status).toBe(500)
    expect(logger.errors).toHaveLength(requests.length)
  })

  test('with a status of its own has that status, as before', async () => {
    for (const status of [401, 403, 429]) {
      const asks: Ask[] = [
        (ctx) => {
          ctx.set('WWW-Authenticate', 'Bearer')
          return ctx.throw(status)
        },
        async (ctx) => ctx.throw(status, 'no', { headers: { 'WWW-Authenticate': 'Bearer' } }),
      ]
      for (const [index, principal] of asks.entries()) {
        const { url } = await start(() => {}, { principal })
        for (const [method, path] of requests) {
          const answer = await answerTo(begin(url + path, method))
          expect([method, path, answer.status]).toEqual([method, path, status])
          if (index === 1) expect(answer.headers).toMatchObject({ 'www-authenticate': 'Bearer' })
        }
      }
    }
  })

  test('by never settling is a 503 after 10 s', async () => {
    let asked = 0
    const principal = () => {
      asked++
      return new Promise<never>(() => {})
    }
    const { url } = await start(() => {}, { principal })
    takeTimeouts()
    const begun = requests.map(([method, path]) => begin(url + path, method))
    const answers = Promise.all(begun.map(answerTo))
    await until(
      () => asked === requests.length,
      () => `asked ${asked} times`,
    )
    pass(9_999)
    pass(1)
    for (const { status, headers, text } of await answers) {
      expect([status, JSON.parse(text).error.message]).toEqual([
        503,
        'The caller was not identified within 10000 ms',
      ])
      expect(headers).toMatchObject({ 'retry-after': '1' })
    }
  })

  test('by returning no string is a 500', async () => {
    const logger = new Log()
    const principal = (() => ({ then: (resolve: (id: unknown) => void) => resolve(7) })) as unknown as Ask
    const { url } = await start(() => {}, { principal, logger })
    expect((await answerTo(begin(`${url}/sse`, 'GET'))).status).toBe(500)
    expect(logger.errors[0].message).toBe(
      'principal must return a string, such as the id of a user, or undefined; it returned 7',
    )
  })
})

/** Tokens, and whose they are. */
class Tokens {
  readonly owners = new Map<string, string>()
  asked = 0

  readonly principal: Ask = (ctx) => {
    this.asked++
    return this.owners.get(ctx.get('Authorization')) ?? ctx.throw(401)
  }

  add(token: string, owner: string): Record<string, string> {
    this.owners.set(token, owner)
    return { Authorization: token }
  }
}

/** A server that knows tokens, with a tool that says something and then waits. */
async function startWithTokens(options: McpOptions = {}) {
  const tokens = new Tokens()
  const signals: AbortSignal[] = []
  const { url, server } = await start(
    (server) => {
      server.resource(uri, {}, () => 'a')
      server.tool('wait', {}, (_args, { progress, signal }) => {
        signals.push(signal)
        progress({ progress: 1 })
        return new Promise(() => {})
      })
    },
    { principal: tokens.principal, ...options },
  )
  return { url, server, tokens, signals }
}

const waitCall = (id: string) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'wait', _meta: { progressToken: id } },
})

/** Opens a session of Streamable HTTP. */
async function openStreamable(url: string, headers: Record<string, string>) {
  const initialize = {
    jsonrpc: '2.0',
    id: 'init',
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '0' } },
  }
  const response = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: { Accept: accept, 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(initialize),
  })
  await response.text()
  return { Accept: accept, 'Mcp-Session-Id': response.headers.get('Mcp-Session-Id')!, ...headers }
}

/** A call of revision 2026-07-28 that is answered with a stream, and waits. */
function callModern(url: string, headers: Record<string, string>): Promise<SseReader> {
  const request = { method: 'tools/call', params: { name: 'wait' }, id: 'm', meta: { progressToken: 'm' } }
  return readAnswer(`${url}/mcp`, modernBody(request), { ...modernHeaders(request), ...headers })
}

/** A stream of each kind. */
async function openAll(url: string, headers: Record<string, string>) {
  const raw = await connectRaw(url, { headers })
  const session = await openStreamable(url, headers)
  return {
    raw,
    session,
    streams: [
      raw.reader,
      await read(`${url}/sse?client_id=${crypto.randomUUID()}`, headers),
      await read(`${url}/mcp`, session),
      await readAnswer(`${url}/mcp`, waitCall('s'), session),
      await listen(url, { resourceSubscriptions: [uri] }, { headers }),
      await callModern(url, headers),
    ],
  }
}

const reasons = (streams: SseReader[]) => streams.map(({ comments }) => comments.at(-1))

test('streams end when the authorization they were opened with is over, and no others', async () => {
  takeIntervals()
  const { url, tokens, signals } = await startWithTokens({ principalMaxAgeMs: maxAgeMs })
  const alice = await openAll(url, tokens.add('a', 'alice'))
  const bob = await openAll(url, tokens.add('b', 'bob'))
  const asked = tokens.asked
  pass(maxAgeMs - 1_000)
  expect(tokens.asked).toBe(asked)
  pass(2_000)
  await until(
    () => tokens.asked === asked + 12,
    () => `asked ${tokens.asked - asked} times`,
  )
  await new Promise(setImmediate)
  expect((await health(url)).limits.streams.used).toBe(12)
  tokens.owners.delete('a')
  pass(maxAgeMs + 1_000)
  await Promise.all(alice.streams.map((stream) => stream.untilClosed()))
  expect(reasons(alice.streams)).toEqual(alice.streams.map(() => 'no longer authorized'))
  await untilHealth(url, ({ limits }) => limits.streams.used === 6)
  expect(bob.streams.some(({ closed }) => closed)).toBe(false)
  // Of Alice, the request of 2026-07-28, whose client cannot come back.
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, true, false, false])
})

test('a session outlives the token that opened it: a later one of the same principal resumes it', async () => {
  takeIntervals()
  const { url, server, tokens } = await startWithTokens({ principalMaxAgeMs: maxAgeMs })
  const client = await connectRaw(url, { headers: tokens.add('old', 'alice') })
  await client.request('resources/subscribe', { uri })
  tokens.owners.delete('old')
  pass(maxAgeMs + 1_000)
  await client.reader.untilClosed()
  server.changed(uri)
  const since = { 'Last-Event-ID': client.reader.lastEventId }
  expect(
    (await fetch(`${url}/sse`, { headers: { Accept: accept, Authorization: 'old', ...since } })).status,
  ).toBe(401)
  const back = await read(`${url}/sse`, { ...tokens.add('new', 'alice'), ...since })
  expect(back.response.headers['tidings-recovered']).toBe('true')
  await back.until(() => back.events.some(({ data }) => data.includes('resources/updated')), 'the change')
  // Another principal's token opens a session of its own.
  const other = await read(`${url}/sse`, { ...tokens.add('b', 'bob'), ...since })
  expect(other.response.headers['tidings-recovered']).toBe('false')
})

test('a stream ends when its request is of another principal now', async () => {
  takeIntervals()
  const { url, tokens } = await startWithTokens({ principalMaxAgeMs: maxAgeMs })
  const stream = await read(`${url}/sse`, tokens.add('a', 'alice'))
  tokens.owners.set('a', 'bob')
  pass(maxAgeMs + 1_000)
  await stream.untilClosed()
  expect(reasons([stream])).toEqual(['no longer authorized'])
})

test('with principalMaxAgeMs: Infinity nobody is asked again', async () => {
  takeIntervals()
  const { url, tokens } = await startWithTokens({ principalMaxAgeMs: Infinity })
  await read(`${url}/sse`, tokens.add('once', 'alice'))
  tokens.owners.delete('once')
  pass(maxAgeMs * 1_000)
  expect(tokens.asked).toBe(1)
  expect((await health(url)).connected_clients).toBe(1)
})

test('principalMaxAgeMs must be a number of at least 1', async () => {
  for (const principalMaxAgeMs of [0, -1, NaN, '5' as never]) {
    await expect(start(() => {}, { principalMaxAgeMs })).rejects.toThrow('principalMaxAgeMs must be a number')
  }
})

test('of many streams, at most 100 are asked about at once, with one timer', async () => {
  takeIntervals()
  let asking = 0
  let most = 0
  let answered = 0
  const waiting: (() => void)[] = []
  let slow = false
  const principal = async () => {
    if (!slow) return 'alice'
    most = Math.max(most, ++asking)
    await new Promise<void>((resolve) => waiting.push(resolve))
    asking--
    answered++
    return 'alice'
  }
  const { url } = await start(() => {}, { principal, principalMaxAgeMs: maxAgeMs })
  const timers = jest.getTimerCount()
  const client = await Promise.all(Array.from({ length: 250 }, () => read(`${url}/sse`)))
  // Of the streams' comments, of the write deadline, of the sessions, and of this.
  expect(jest.getTimerCount()).toBeLessThanOrEqual(timers + 4)
  slow = true
  pass(maxAgeMs + 1_000)
  while (answered < 250) {
    expect(asking).toBeLessThanOrEqual(100)
    waiting.splice(0).forEach((resolve) => resolve())
    await new Promise(setImmediate)
    pass(100)
  }
  expect(most).toBe(100)
  expect(client.some(({ closed }) => closed)).toBe(false)
})

test('over HTTP/2 a stream ends alone, and its connection goes on', async () => {
  takeIntervals()
  const tokens = new Tokens()
  const server = new McpServer({ name: 'test', version: '0' })
  const http = createServer(handler(server, { principal: tokens.principal, principalMaxAgeMs: maxAgeMs }))
  await once(http.listen(0, '127.0.0.1'), 'listening')
  defer(http, () => http.close())
  const client: Http2Client = await connectHttp2(`http://127.0.0.1:${(http.address() as AddressInfo).port}`)
  const open = (token: string): Promise<Http2Reader> => client.open({ ':path': '/sse', authorization: token })
  tokens.add('a', 'alice')
  tokens.add('b', 'bob')
  const [alice, bob] = [await open('a'), await open('b')]
  tokens.owners.delete('a')
  pass(maxAgeMs + 1_000)
  await alice.untilClosed()
  expect(reasons([alice])).toEqual(['no longer authorized'])
  expect([alice.stream.rstCode, bob.closed, client.session.closed]).toEqual([0, false, false])
})

test('a stream of a session that lives on another node ends where it came in', async () => {
  takeIntervals()
  const tokens = new Tokens()
  const backplane = new MemoryBackplane()
  const options = { principal: tokens.principal, principalMaxAgeMs: maxAgeMs }
  const [home, entry] = [
    await start(() => {}, options, { backplane }),
    await start(() => {}, options, { backplane }),
  ]
  const session = await openStreamable(home.url, tokens.add('a', 'alice'))
  const stream = await read(`${entry.url}/mcp`, session)
  expect((await health(home.url)).sessions.open).toBe(1)
  tokens.owners.delete('a')
  pass(maxAgeMs + 1_000)
  await stream.untilClosed()
  expect(reasons([stream])).toEqual(['no longer authorized'])
  await untilHealth(home.url, ({ limits }) => limits.streams.used === 0)
})

describe('server.end({ principal })', () => {
  test('ends all sessions and streams of a principal, answers its requests, and leaves others alone', async () => {
    const { url, server, tokens, signals } = await startWithTokens()
    const alice = await openAll(url, tokens.add('a', 'alice'))
    const bob = await openAll(url, tokens.add('b', 'bob'))
    const pending = fetch(`${url}/mcp?client_id=${crypto.randomUUID()}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: 'a' },
      body: JSON.stringify(waitCall('p')),
    })
    await until(
      () => signals.length === 5,
      () => `${signals.length} calls`,
    )
    tokens.owners.delete('a')
    await server.end({ principal: 'alice' })
    const ended = { code: -32603, message: 'The server has ended the requests of this principal' }
    expect(await (await pending).json()).toMatchObject({ id: 'p', error: ended })
    await Promise.all(alice.streams.map((stream) => stream.untilClosed()))
    const [, , , ofSession, , ofRequest] = alice.streams
    for (const stream of [ofSession!, ofRequest!]) {
      expect(JSON.parse(stream.events.at(-1)!.data)).toMatchObject({ error: ended })
    }
    expect(reasons([0, 1, 2, 4].map((index) => alice.streams[index]!))).toEqual(
      Array(4).fill('ended by the server'),
    )
    // Bob has three sessions, and calls that wait.
    expect(await health(url)).toMatchObject({
      sessions: { open: 3, ended: { 'ended by the server': 4 } },
      limits: { streams: { used: 6 } },
    })
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false, false, true])
    expect(bob.streams.some(({ closed }) => closed)).toBe(false)
    expect((await answerTo(begin(`${url}/mcp`, 'POST', bob.session))).status).toBe(200)
    tokens.add('a', 'alice')
    expect((await answerTo(begin(`${url}/mcp`, 'POST', alice.session))).status).toBe(404)
  })

  test('also ends the sessions of the principal on another node, and their streams here', async () => {
    const tokens = new Tokens()
    const backplane = new MemoryBackplane()
    const options = { principal: tokens.principal }
    const [home, entry] = [
      await start(() => {}, options, { backplane }),
      await start(() => {}, options, { backplane }),
    ]
    const session = await openStreamable(home.url, tokens.add('a', 'alice'))
    const stream = await read(`${entry.url}/mcp`, session)
    await entry.server.end({ principal: 'alice' })
    await stream.untilClosed()
    expect(reasons([stream])).toEqual(['ended by the server'])
    await until(async () => (await health(home.url)).sessions.open === 0, 'the session has ended at its home')
  })

  test('takes a string', async () => {
    const { server } = await startWithTokens()
    await expect(server.end({ principal: undefined as never })).rejects.toThrow(
      'principal must be the string that the option returned, got undefined',
    )
    await server.end({ principal: 'nobody' })
  })

  test('a call that is over is answered once, whatever its handler does later', async () => {
    const [called, mayFinish] = [deferred(), deferred()]
    const { url, server } = await start(
      (server) =>
        server.tool('slow', {}, async () => {
          called.resolve()
          await mayFinish.promise
          return { content: [] }
        }),
      { principal: () => 'alice' },
    )
    const answered = fetch(`${url}/mcp?client_id=${crypto.randomUUID()}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'slow' } }),
    })
    await called.promise
    await server.end({ principal: 'alice' })
    mayFinish.resolve()
    expect(await (await answered).json()).toMatchObject({ error: { code: -32603 } })
    await untilHealth(url, ({ limits }) => limits.requests.used === 0)
  })
})
