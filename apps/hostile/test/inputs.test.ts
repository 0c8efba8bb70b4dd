import { readFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import { exchange, type Exchange, type ExchangeOptions } from './exchange.ts'
import { messageFor, openSession, type RawSession, type TransportName, transports } from './raw-session.ts'
import { type ServerProcess, spawnServer, startServer } from './server-process.ts'

// What goes wrong at servers of MCP in the field, and what each transport makes of it.

interface Target {
  server: ServerProcess
  transport: TransportName
  session: RawSession
  /** Where the transport opens its stream. The stateless one opens none. */
  opens: string
}

interface Input {
  what: string
  /** Those it can be sent to. Default: all. */
  on?: readonly TransportName[]
  send: (target: Target) => Promise<Exchange | string>
  /** The status; of a request that is served, 200 or 202. */
  status: number | readonly number[]
  /** The code of the JSON-RPC error. */
  code?: number
}

const served = [200, 202] as const
const withSessions = ['http+sse', 'paired', 'streamable-http'] as const
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' }

/** Sends a body to where the transport takes messages. An object is made a request of its revision. */
function post(
  { transport, session }: Target,
  body: string | Uint8Array | Record<string, unknown>,
  { headers = [], without = [], ...options }: ExchangeOptions & { without?: string[] } = {},
): Promise<Exchange> {
  const isText = typeof body === 'string' || body instanceof Uint8Array
  const message = isText ? undefined : messageFor(transport, body)
  const { method, params } = (message ?? {}) as { method?: string; params?: { name?: string; uri?: string } }
  const mirrored: Record<string, string> =
    transport === 'stateless' && method !== undefined
      ? { 'Mcp-Method': method, ...(params?.name && { 'Mcp-Name': params.name }) }
      : {}
  const own = { 'Content-Type': 'application/json', ...session.headers, ...mirrored }
  const replaced = headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
  const kept = Object.entries(own).filter(([name]) => ![...replaced, ...without].includes(name.toLowerCase()))
  return exchange(session.url, {
    headers: [...kept.flat(), ...headers],
    body: isText ? body : JSON.stringify(message),
    ...options,
  })
}

const get = ({ opens }: Target, headers: string[]) =>
  exchange(opens, { method: 'GET', headers: ['Accept', 'text/event-stream', ...headers] })

/** A request as bytes, where no HTTP client would send it. */
function raw({ session }: Target, head: string, body = ''): Promise<string> {
  const { hostname, port, pathname, search } = new URL(session.url)
  const own = Object.entries(session.headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
  return new Promise((resolve, reject) => {
    const socket = connectSocket(Number(port), hostname)
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => (text += chunk))
    socket.once('error', reject)
    socket.once('close', () => resolve(text))
    socket.write(
      `POST ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\n${own}${head}\r\n\r\n${body}`,
    )
  })
}

const big = 5 * 1024 * 1024

const inputs: Input[] = [
  { what: 'no Origin, as programs send', send: (t) => post(t, list), status: served },
  ...['http://evil.example', 'null', 'http://localhost, http://evil.example', 'nonsense'].flatMap(
    (origin): Input[] => [
      {
        what: `a message with Origin: ${origin}`,
        send: (t) => post(t, list, { headers: ['Origin', origin] }),
        status: 403,
        code: -32600,
      },
      {
        what: `a stream with Origin: ${origin}`,
        send: (t) => get(t, ['Origin', origin]),
        status: 403,
        code: -32600,
      },
    ],
  ),
  {
    what: 'a message for a foreign Host',
    send: (t) => post(t, list, { headers: ['Host', 'evil.example'] }),
    status: 403,
    code: -32600,
  },
  {
    what: 'a stream for a foreign Host',
    send: (t) => get(t, ['Host', 'evil.example']),
    status: 403,
    code: -32600,
  },
  {
    what: 'a body that announces to be too large',
    send: (t) => raw(t, `Content-Length: ${big}`),
    status: 413,
  },
  {
    what: 'a chunked body that turns out too large',
    send: (t) =>
      raw(t, 'Transfer-Encoding: chunked', `${big.toString(16)}\r\n${'x'.repeat(big)}\r\n0\r\n\r\n`),
    status: 413,
  },
  { what: 'no JSON', send: (t) => post(t, '{"jsonrpc":'), status: 400, code: -32700 },
  { what: 'no UTF-8', send: (t) => post(t, Buffer.from([0x7b, 0xff, 0x7d])), status: 400, code: -32700 },
  {
    what: 'text/plain',
    send: (t) => post(t, list, { headers: ['Content-Type', 'text/plain'] }),
    status: 415,
  },
  {
    what: 'a stream for who accepts none',
    on: withSessions,
    send: ({ opens }) => exchange(opens, { method: 'GET', headers: ['Accept', 'text/html'] }),
    status: 406,
  },
  {
    what: 'an answer for who accepts none',
    on: ['streamable-http', 'stateless'],
    send: (t) => post(t, list, { headers: ['Accept', 'text/html'] }),
    status: 406,
  },
  {
    what: 'a body 100,000 deep',
    send: (t) => post(t, '['.repeat(100_000) + ']'.repeat(100_000)),
    status: 400,
    code: -32600,
  },
  { what: 'a million members', send: (t) => post(t, `[${'0,'.repeat(1e6)}0]`), status: 400, code: -32600 },
  { what: 'a batch', send: (t) => post(t, JSON.stringify([ping, ping])), status: 400, code: -32600 },
  ...[null, 1.5, {}, 'x'.repeat(257)].map((id): Input => ({
    what: `the id ${JSON.stringify(id).slice(0, 20)}`,
    send: (t) => post(t, { ...list, id }),
    status: 400,
    code: -32600,
  })),
  {
    what: 'a response to nothing',
    on: withSessions,
    send: (t) => post(t, { jsonrpc: '2.0', id: 99, result: {} }),
    status: 202,
  },
  {
    what: 'a notification of an unknown method',
    on: withSessions,
    send: (t) => post(t, { jsonrpc: '2.0', method: 'notifications/odd' }),
    status: 202,
  },
  {
    what: 'an unknown method',
    on: ['stateless'],
    send: (t) => post(t, { ...ping, method: 'odd' }),
    status: 404,
    code: -32601,
  },
  {
    what: 'an unknown method',
    on: ['paired', 'streamable-http'],
    send: (t) => post(t, { ...ping, method: 'odd' }),
    status: 200,
    code: -32601,
  },
  {
    what: 'no _meta',
    on: ['stateless'],
    send: (t) => post(t, JSON.stringify({ ...list, params: {} }), { headers: ['Mcp-Method', 'tools/list'] }),
    status: 400,
    code: -32602,
  },
  {
    what: 'a header that differs from the body',
    on: ['stateless'],
    send: (t) => post(t, list, { headers: ['Mcp-Method', 'tools/call'] }),
    status: 400,
    code: -32020,
  },
  {
    what: 'a revision that there is not',
    on: ['stateless'],
    send: (t) => {
      const meta = { 'io.modelcontextprotocol/protocolVersion': '2099-01-01' }
      return post(
        t,
        { ...list, params: { _meta: meta } },
        { headers: ['MCP-Protocol-Version', '2099-01-01'] },
      )
    },
    status: 400,
    code: -32022,
  },
  {
    what: 'a wrong revision in the header',
    on: ['streamable-http'],
    send: (t) => post(t, list, { headers: ['MCP-Protocol-Version', 'x'] }),
    status: 400,
    code: -32600,
  },
  {
    what: 'no session',
    on: ['streamable-http'],
    send: (t) => post(t, list, { without: ['mcp-session-id'] }),
    status: 400,
    code: -32600,
  },
  {
    what: 'an unknown session',
    on: ['streamable-http'],
    send: (t) => post(t, list, { headers: ['Mcp-Session-Id', 'x'] }),
    status: 404,
    code: -32600,
  },
  {
    what: 'a message to a session that is not open',
    on: ['http+sse'],
    send: ({ session, ...t }) =>
      post(
        { ...t, session: { ...session, url: session.url.replace(/=.*$/, '=an-id-of-no-session-at-all') } },
        list,
      ),
    status: 404,
    code: -32600,
  },
  {
    what: 'a session that was ended',
    // A paired client may choose its id again.
    on: ['http+sse', 'streamable-http'],
    send: async (t) => {
      await post(t, '', { method: 'DELETE' })
      return post(t, list)
    },
    status: 404,
    code: -32600,
  },
  ...['x', `${'x'.repeat(10_000)}`, 'a.b.1.0', '../../etc'].map((id): Input => ({
    what: `the event id ${id.slice(0, 12)} of nobody`,
    on: ['http+sse', 'paired'],
    send: (t) => get(t, ['Last-Event-ID', id]),
    status: 200,
  })),
  {
    what: 'a GET',
    on: ['stateless'],
    send: ({ opens }) =>
      exchange(opens, {
        method: 'GET',
        headers: ['Accept', 'text/event-stream', 'MCP-Protocol-Version', '2026-07-28'],
      }),
    status: 405,
  },
  {
    what: 'a session and an event id',
    on: ['stateless'],
    send: (t) => post(t, list, { headers: ['Mcp-Session-Id', 'x', 'Last-Event-ID', 'y'] }),
    status: 200,
  },
  {
    what: 'a listen to 60,000 URIs',
    on: ['stateless'],
    send: (t) =>
      post(t, {
        ...ping,
        method: 'subscriptions/listen',
        params: {
          notifications: {
            resourceSubscriptions: Array.from({ length: 60_000 }, (_, i) => `hostile:///a/${i}`),
          },
        },
      }),
    status: 400,
    code: -32602,
  },
  ...['hostile:///a/%2e%2e', 'hostile:///a/%00', `hostile:///${'a'.repeat(100_000)}`].map((uri): Input => ({
    what: `the URI ${uri.slice(0, 24)}`,
    on: ['paired', 'streamable-http'],
    send: (t) => post(t, { ...ping, method: 'resources/read', params: { uri } }),
    status: 200,
    code: -32002,
  })),
  {
    what: 'HTTP methods that there are not',
    send: ({ session }) => exchange(session.url, { method: 'PUT' }),
    status: 405,
  },
]

const opening: Record<TransportName, string> = {
  'http+sse': '/sse',
  paired: '/sse?client_id=the-client-of-the-inputs',
  'streamable-http': '/mcp',
  stateless: '/mcp',
}

describe.each(transports)('%s', (transport) => {
  const own = inputs.filter(({ on }) => on === undefined || on.includes(transport))

  let server: ServerProcess

  beforeAll(async () => {
    server = await spawnServer()
  })

  afterAll(() => server.end())

  test.each(own)('$what: $status', async ({ send, status, code }) => {
    const session = await openSession(server.url, transport)
    const answer = await send({ server, transport, session, opens: server.url + opening[transport] })
    const seen = typeof answer === 'string' ? Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]) : answer.status
    expect([status].flat()).toContain(seen)
    if (code !== undefined) expect(errorOf(answer as Exchange).code).toBe(code)
    expect([server.exit, server.stderr]).toEqual([undefined, ''])
  })

  test('a preflight is answered without asking who it is, with all headers of MCP', async () => {
    const server = await startServer({ allowedOrigins: ['https://app.example.com'] })
    const { status, headers } = await exchange(server.url + opening[transport], {
      method: 'OPTIONS',
      headers: [
        ...['Origin', 'https://app.example.com', 'Access-Control-Request-Method', 'POST'],
        ...[
          'Access-Control-Request-Headers',
          'authorization,last-event-id,mcp-session-id,mcp-method,mcp-name',
        ],
      ],
    })
    expect(status).toBe(204)
    expect(headers['access-control-allow-headers']).toMatch(/last-event-id.*mcp-session-id/i)
    const wrong = await exchange(server.url + opening[transport], {
      method: 'PUT',
      headers: ['Origin', 'https://app.example.com'],
    })
    expect(wrong.headers['access-control-expose-headers']).toMatch(/mcp-session-id.*www-authenticate/i)
  })
})

function errorOf({ text }: Exchange): { code: number } {
  const json = text.startsWith('{') ? text : (/^data: (\{.*)$/m.exec(text)?.[1] ?? '{}')
  return (JSON.parse(json) as { error: { code: number } }).error
}

test('keys of the prototype are data', async () => {
  const server = await startServer()
  const session = await openSession(server.url, 'streamable-http')
  const value = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'
  const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"value":${value}}}}`
  const target: Target = { server, transport: 'streamable-http', session, opens: `${server.url}/mcp` }
  expect((await post(target, call)).text).toContain(`{"value":${value}}`)
  expect((await post(target, list)).text).not.toContain('polluted')
})

// What takes more than one request, time, or another process.
test.each([
  [
    'a body that comes too slowly',
    'packages/server/test/http/incoming/body.test.ts',
    'a body that never ends',
  ],
  ['a second stream of a session', 'packages/server/test/http/transports/paired.test.ts', '409'],
  [
    'a token that is renewed, or expires',
    'packages/server/test/http/principal.test.ts',
    'no longer authorized',
  ],
  ['a stalled reader, a reader that is gone', 'apps/stress/src/scenarios/all.ts', 'half'],
  ['thousands of sessions that nobody ends', 'apps/stress/src/scenarios/all.ts', 'abandon'],
  ['a flood of requests', 'apps/stress/src/scenarios/all.ts', 'post'],
  ['SIGTERM under load', 'apps/stress/src/scenarios/all.ts', 'sigterm'],
  [
    'a handler that does anything',
    'packages/server/test/requests/any-handler.test.ts',
    'whatever a handler does',
  ],
  ['a node that dies', 'packages/server/test/backplane/cluster.test.ts', 'when the home dies'],
  ['an endpoint of another origin', 'packages/client/test/connect.test.ts', 'another origin'],
  ['an endless event', 'packages/client/test/transports/read-events.test.ts', 'endless'],
  ['a redirect to another origin', 'packages/client/test/http/redirects.test.ts', 'origin'],
])('%s is sent by %s', (_what, file, words) => {
  expect(readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8')).toContain(words)
})
