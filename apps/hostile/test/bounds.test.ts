import { existsSync, readFileSync } from 'node:fs'
import { McpServer, serve, type ServeOptions } from '@tidings/server'
import { defer } from '@tidings/testkit/disposers'
import { post } from '@tidings/testkit/post'
import { openSession, type RawSession } from './raw-session.ts'

// Each bound of SECURITY.md is reached here, or in the test that is named where it takes more than one request to reach it.

const root = new URL('../../../', import.meta.url)

interface Bound {
  /** As in the table. */
  what: string
  value: string
  /** Reaches the bound, and returns what the client is answered. */
  reach?: () => Promise<Response>
  status?: number
  code?: number
  /** The test that reaches it otherwise, and words of it. */
  shownBy?: [file: string, words: string]
}

async function start(
  options: ServeOptions = {},
  register: (server: McpServer) => void = () => {},
): Promise<string> {
  const server = new McpServer({ name: 'bounds', version: '0' })
  server.resource('bounds://a', {}, () => 'a')
  server.resource('bounds://b', {}, () => 'b')
  server.template('long:///{name}', {}, () => '')
  server.tool('echo', { input: { type: 'object' } }, (args) => ({ structuredContent: args }))
  server.tool(
    'wait',
    {},
    (_args, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', reject)),
  )
  register(server)
  const serving = await serve(server, options)
  defer(serving, () => serving.close({ deadlineMs: 0 }))
  return serving.url
}

/** A session of Streamable HTTP, and a way to send on it. */
async function talk(options: ServeOptions = {}) {
  const session = await openSession(await start(options), 'streamable-http', 'alice')
  return { session, send: (message: unknown) => sendTo(session, message) }
}

function sendTo({ url, headers }: RawSession, message: unknown): Promise<Response> {
  return post(url, typeof message === 'object' ? { jsonrpc: '2.0', ...message } : message, headers)
}

const hello = (clientInfo: object) => ({
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo },
})
const both = { Accept: 'application/json, text/event-stream' }
const echo = (args: string) =>
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":${args}}}`
const principal: ServeOptions['principal'] = ({ headers }) => headers.authorization

const server: Bound[] = [
  {
    what: 'depth of a message',
    value: '100',
    reach: async () => (await talk()).send(echo(`{"a":${'['.repeat(101)}${']'.repeat(101)}}`)),
    status: 400,
    code: -32600,
  },
  {
    what: 'values in a message',
    value: '100,000, or `maxBodyBytes` / 50 if that is more',
    reach: async () => (await talk()).send(echo(`{"a":[${Array(100_001).fill(0).join()}]}`)),
    status: 400,
    code: -32600,
  },
  {
    what: 'bytes of a body',
    value: '`maxBodyBytes`: 4 MiB',
    reach: async () => (await talk()).send(echo(`{"a":"${'x'.repeat(4 * 1024 * 1024)}"}`)),
    status: 413,
    code: -32600,
  },
  {
    what: 'messages in a batch',
    value: '100',
    reach: async () => {
      const url = await start()
      const response = await post(`${url}/mcp`, hello({ name: 'x', version: '0' }), both)
      const old = { ...hello({ name: 'x', version: '0' }) }
      old.params.protocolVersion = '2025-03-26'
      await response.text()
      const first = await post(`${url}/mcp`, old, both)
      await first.text()
      const headers = { ...both, 'Mcp-Session-Id': first.headers.get('mcp-session-id')! }
      const batch = Array.from({ length: 101 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'ping' }))
      return post(`${url}/mcp`, JSON.stringify(batch), headers)
    },
    status: 400,
    code: -32600,
  },
  {
    what: 'characters of a request id or progress token',
    value: '256',
    reach: async () => (await talk()).send({ id: 'x'.repeat(257), method: 'ping' }),
    status: 400,
    code: -32600,
  },
  {
    what: 'bytes of `clientInfo` and capabilities',
    value: '16 KiB',
    reach: async () => post(`${await start()}/mcp`, hello({ name: 'x'.repeat(16_385), version: '0' }), both),
    status: 200,
    code: -32602,
  },
  {
    what: 'characters of a watched URI',
    value: '8,192',
    reach: async () =>
      (await talk()).send({
        id: 1,
        method: 'resources/subscribe',
        params: { uri: `long:///${'x'.repeat(8_192)}` },
      }),
    status: 200,
    code: -32602,
  },
  {
    what: 'sessions in all',
    value: '`limits.sessions.total`: 10,000',
    reach: async () => {
      const url = await start({ limits: { sessions: { total: 1 } } })
      await openSession(url, 'http+sse')
      return fetch(`${url}/sse`, { headers: { Accept: 'text/event-stream' } })
    },
    status: 503,
    code: -32600,
  },
  {
    what: 'sessions of a principal',
    value: '`limits.sessions.perPrincipal`: 1,000',
    reach: async () => {
      const url = await start({ principal, limits: { sessions: { perPrincipal: 1 } } })
      await openSession(url, 'http+sse', 'alice')
      return fetch(`${url}/sse`, { headers: { Accept: 'text/event-stream', Authorization: 'Bearer alice' } })
    },
    status: 429,
    code: -32600,
  },
  {
    what: 'streams in all',
    value: '`limits.streams.total`: 20,000',
    reach: async () => {
      const url = await start({ limits: { streams: { total: 1 } } })
      await openSession(url, 'http+sse')
      return fetch(`${url}/sse`, { headers: { Accept: 'text/event-stream' } })
    },
    status: 503,
    code: -32600,
  },
  {
    what: 'streams of a principal',
    value: '`limits.streams.perPrincipal`: 2,000',
    reach: async () => {
      const url = await start({ principal, limits: { streams: { perPrincipal: 1 } } })
      await openSession(url, 'http+sse', 'alice')
      return fetch(`${url}/sse`, { headers: { Accept: 'text/event-stream', Authorization: 'Bearer alice' } })
    },
    status: 429,
    code: -32600,
  },
  {
    what: 'requests in flight in all',
    value: '`limits.requests.total`: 10,000',
    reach: () => secondRequest({ limits: { requests: { total: 1 } } }),
    status: 503,
    code: -32600,
  },
  {
    what: 'requests in flight of a principal',
    value: '`limits.requests.perPrincipal`: 1,000',
    reach: () => secondRequest({ principal, limits: { requests: { perPrincipal: 1 } } }),
    status: 429,
    code: -32600,
  },
  {
    what: 'requests in flight of a session',
    value: '`limits.requests.perSession`: 1,000',
    reach: () => secondRequest({ limits: { requests: { perSession: 1 } } }),
    status: 429,
    code: -32600,
  },
  {
    what: 'watched resources in all',
    value: '`limits.subscriptions.total`: 200,000',
    reach: () => secondWatch({ limits: { subscriptions: { total: 1 } } }),
    status: 200,
    code: -32602,
  },
  {
    what: 'watched resources of a principal',
    value: '`limits.subscriptions.perPrincipal`: 20,000',
    reach: () => secondWatch({ principal, limits: { subscriptions: { perPrincipal: 1 } } }),
    status: 200,
    code: -32602,
  },
  {
    what: 'watched resources of a session or listen stream',
    value: '`limits.subscriptions.perSession`: 1,000',
    reach: () => secondWatch({ limits: { subscriptions: { perSession: 1 } } }),
    status: 200,
    code: -32602,
  },
  {
    what: 'bytes held in all',
    value: '`limits.bytes.total`: 192 MiB',
    reach: async () =>
      (await talk({ limits: { bytes: { total: 20_000 } } })).send(echo(`{"a":"${'x'.repeat(30_000)}"}`)),
    status: 503,
    code: -32600,
  },
  {
    what: 'bytes held for a principal',
    value: '`limits.bytes.perPrincipal`: 48 MiB',
    reach: async () =>
      (await talk({ principal, limits: { bytes: { perPrincipal: 20_000 } } })).send(
        echo(`{"a":"${'x'.repeat(30_000)}"}`),
      ),
    status: 429,
    code: -32600,
  },
  {
    what: 'bytes held for a session',
    value: '`limits.bytes.perSession`: 16 MiB',
    shownBy: ['packages/server/test/limits.test.ts', 'bytes.perSession'],
  },
  {
    what: 'messages that wait for a stream',
    value: '10,000',
    shownBy: ['packages/server/test/sessions/mailbox.test.ts', 'overfull'],
  },
  {
    what: 'bytes of a stored session',
    value: '4 MiB',
    shownBy: ['packages/server/test/sessions/session-record.test.ts', '4 MiB'],
  },
  {
    what: 'sessions elsewhere whose home a node remembers',
    value: '10,000',
    shownBy: ['packages/server/test/http/relay/homes.test.ts', '10_000'],
  },
  {
    what: 'streams that wait for the place of one',
    value: '4',
    shownBy: ['packages/server/test/http/transports/paired.test.ts', '409'],
  },
  {
    what: 'characters of a response, or of all of a batch',
    value: '268,435,456',
    shownBy: ['packages/server/test/requests/one-answer.test.ts', '268435456'],
  },
  {
    what: 'time of a request',
    value: '`requestTimeoutMs`: 10 minutes',
    shownBy: ['packages/server/test/requests/answer.test.ts', 'requestTimeoutMs'],
  },
  {
    what: 'time to identify the caller',
    value: '10 s',
    shownBy: ['packages/server/test/http/principal.test.ts', '10000 ms'],
  },
  {
    what: 'time between two looks at the caller of a stream',
    value: '`principalMaxAgeMs`: 60 s',
    shownBy: ['packages/server/test/http/principal.test.ts', 'no longer authorized'],
  },
  {
    what: 'time that a reader takes nothing',
    value: '`writeTimeoutMs`: 60 s',
    shownBy: ['packages/server/test/http/outgoing/write-deadline.test.ts', 'writeTimeoutMs'],
  },
  {
    what: 'time of a session that nobody initializes, or of a lost stream',
    value: '`resumeWithinMs`: 60 s',
    shownBy: ['packages/server/test/sessions/sessions.test.ts', 'resumeWithinMs'],
  },
  {
    what: 'time of a session without a stream',
    value: '`idleTimeoutMs`: 30 minutes',
    shownBy: ['packages/server/test/sessions/sessions.test.ts', 'idleTimeoutMs'],
  },
  {
    what: 'time that a question waits for a client without a stream',
    value: '3 s at first, then `resumeWithinMs`',
    shownBy: ['packages/server/test/requests/client-requests.test.ts', 'cannot reach the client'],
  },
  {
    what: 'time of the `list` of a template',
    value: '10 s',
    shownBy: ['packages/server/test/capabilities/resources.test.ts', 'list took longer than 10000 ms'],
  },
  {
    what: 'time of a body over HTTP/2',
    value: '5 minutes',
    shownBy: ['packages/server/test/http/http2.test.ts', '300000 ms'],
  },
  {
    what: 'streams of an HTTP/2 connection',
    value: '256',
    shownBy: ['packages/server/test/http/http2.test.ts', 'maxConcurrentStreams'],
  },
]

const client: Bound[] = [
  {
    what: 'depth of a message to our client',
    value: '100',
    shownBy: ['packages/client/test/messages/odd-messages.test.ts', '100 deep'],
  },
  {
    what: 'values in a message to our client',
    value: '1,000,000, or `maxMessageLength` / 16 if that is more',
    shownBy: ['packages/client/test/messages/odd-messages.test.ts', '8_000_000'],
  },
  {
    what: 'characters of a message to our client',
    value: '`maxMessageLength`: 16,777,216',
    shownBy: ['packages/client/test/transports/event-stream.test.ts', 'maxMessageLength'],
  },
  {
    what: 'lines of an event to our client',
    value: '1,000,000, or `maxMessageLength` / 16 if that is more',
    shownBy: ['packages/client/test/transports/read-events.test.ts', 'more than 1000000 lines'],
  },
  {
    what: 'pages of a list',
    value: '1,000',
    shownBy: ['packages/client/test/calls/one-operation.test.ts', '1000 pages'],
  },
  {
    what: 'time of a call or list, with all that belongs to it',
    value: '`totalTimeoutMs`: 10 minutes',
    shownBy: ['packages/client/test/calls/one-operation.test.ts', 'totalTimeoutMs'],
  },
  {
    what: 'questions that our client answers at once',
    value: '32',
    shownBy: ['packages/client/test/messages/bounded-questions.test.ts', '32'],
  },
  {
    what: 'inputs that one result requires',
    value: '100',
    shownBy: ['packages/client/test/messages/bounded-questions.test.ts', '100'],
  },
  {
    what: 'redirects within the origin',
    value: '5',
    shownBy: ['packages/client/test/http/redirects.test.ts', 'redirect'],
  },
]

async function secondRequest(options: ServeOptions): Promise<Response> {
  const { session, send } = await talk(options)
  const waiting = new AbortController()
  const first = fetch(session.url, {
    method: 'POST',
    headers: { ...session.headers, 'Content-Type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 'w', method: 'tools/call', params: { name: 'wait' } }),
    signal: waiting.signal,
  }).catch(() => {})
  defer(waiting, () => (waiting.abort(), first))
  const origin = new URL(session.url).origin
  for (;;) {
    const { limits } = (await (await fetch(`${origin}/health`)).json()) as {
      limits: { requests: { used: number } }
    }
    if (limits.requests.used === 1) break
  }
  return send({ id: 2, method: 'ping' })
}

async function secondWatch(options: ServeOptions): Promise<Response> {
  const { send } = await talk(options)
  await send({ id: 1, method: 'resources/subscribe', params: { uri: 'bounds://a' } })
  return send({ id: 2, method: 'resources/subscribe', params: { uri: 'bounds://b' } })
}

const reached = server.filter((bound) => bound.reach !== undefined)

test.each(reached)('$what: at most $value', async ({ reach, status, code }) => {
  const response = await reach!()
  const text = await response.text()
  const { error } = JSON.parse(/^\s*\{/.test(text) ? text : /^data: (\{.*)$/m.exec(text)![1]!) as {
    error: { code: number; message: string }
  }
  expect([response.status, error.code]).toEqual([status, code])
  expect(error.message).toMatch(/\d/)
  expect(error.message.length).toBeLessThan(1_000)
  if (status === 503 || status === 429) expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
})

test.each([...server, ...client].filter(({ shownBy }) => shownBy !== undefined))(
  '$what: at most $value, as another test shows',
  ({ shownBy }) => {
    const [file, words] = shownBy!
    const path = new URL(file, root)
    expect(existsSync(path) && readFileSync(path, 'utf8')).toContain(words)
  },
)

test('SECURITY.md lists these bounds', () => {
  const text = readFileSync(new URL('SECURITY.md', root), 'utf8')
  const [, table = ''] = /\n## Bounds\n(.*?)\n## /s.exec(text) ?? []
  const rows = [...table.matchAll(/^\| +(.+?) +\| +(.+?) +\| .*\|$/gm)].map(([, what, value]) => [
    what,
    value,
  ])
  expect(rows.slice(2)).toEqual([...server, ...client].map(({ what, value }) => [what, value]))
})
