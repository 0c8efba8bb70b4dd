import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { Log } from '@tidings/testkit/log'
import type { ServeOptions } from '../../../src/index.ts'
import { health } from '../../harness/health.ts'
import { start } from '../../harness/start.ts'
import { send, waysIn } from '../../harness/ways-in.ts'

const isServed = (status: number) => [200, 202, 204].includes(status)

interface Rule {
  options?: ServeOptions
  /** Those of a request that is served, for the sessions. */
  usual?: Record<string, string>
  headers: Record<string, string>
  status?: number
  says?: string | RegExp
}

const named = { options: { allowedHosts: ['mcp.example.com'] }, usual: { Host: 'mcp.example.com' } }
const wild = { options: { allowedHosts: ['*.example.com'] }, usual: { Host: 'a.example.com' } }
const any = { options: { allowedHosts: ['*'] } }
const page = (...allowedOrigins: string[]) => ({ options: { allowedOrigins } })
const hostRefused = (host: string) => ({
  status: 403,
  says: `The Host ${host} is not allowed here: name it in allowedHosts`,
})
const originRefused = (origin: string) => ({
  status: 403,
  says: `The Origin ${origin} is not allowed here: name it in allowedOrigins`,
})
const extension = 'chrome-extension://abcdefghijklmnopabcdefghijklmnop'

const rules: Rule[] = [
  // Hosts.
  { headers: { Host: 'localhost:1' } },
  { headers: { Host: 'evil.example.com' }, ...hostRefused('evil.example.com') },
  { headers: { Host: `${'x'.repeat(200)}.com` }, ...hostRefused('x'.repeat(100)) },
  { headers: { Host: '[::1' }, status: 400, says: 'The Host [::1 is no host with a port' },
  { ...named, headers: { Host: 'MCP.example.com.:8443' } },
  { ...named, headers: { Host: '127.0.0.1' } },
  { ...named, headers: { Host: 'localhost' }, ...hostRefused('localhost') },
  { ...named, headers: { Host: '10.1.2.3' }, ...hostRefused('10.1.2.3') },
  { ...named, headers: { Host: 'a.mcp.example.com' }, ...hostRefused('a.mcp.example.com') },
  { ...wild, headers: { Host: 'a.b.example.com:80' } },
  { ...wild, headers: { Host: 'example.com' }, ...hostRefused('example.com') },
  { ...wild, headers: { Host: 'evilexample.com' }, ...hostRefused('evilexample.com') },
  { ...any, headers: { Host: 'whatever.internal:9' } },
  { ...any, headers: { Host: 'a b' }, status: 400 },
  { options: { publicUrl: 'https://mcp.example.com' }, headers: { Host: 'mcp.example.com' } },
  { options: { publicUrl: 'https://mcp.example.com' }, headers: { Host: 'localhost' } },
  // Pages.
  { headers: { Origin: 'http://localhost:5173' } },
  { headers: { Origin: 'https://evil.example.com' }, ...originRefused('https://evil.example.com') },
  { headers: { Origin: 'null' }, ...originRefused('null') },
  { headers: { Origin: extension }, ...originRefused(extension) },
  { headers: { Origin: 'http://localhost://evil.com' }, status: 403 },
  { headers: { Origin: 'http://10.1.2.3' }, status: 403 },
  { ...named, headers: { Host: 'mcp.example.com', Origin: 'https://mcp.example.com:444' } },
  { ...named, headers: { Host: '127.0.0.1', Origin: 'http://127.0.0.1:5173' } },
  { ...named, headers: { Host: '127.0.0.1', Origin: 'http://localhost:5173' }, status: 403 },
  { ...wild, headers: { Host: 'a.example.com', Origin: 'https://a.example.com' } },
  { ...wild, headers: { Host: 'a.example.com', Origin: 'https://b.example.com' }, status: 403 },
  { ...any, headers: { Host: 'a.internal', Origin: 'https://a.internal' } },
  { ...any, headers: { Host: 'a.internal', Origin: 'https://evil.example.com' }, status: 403 },
  { ...page(extension), headers: { Origin: extension } },
  { ...page('vscode-webview://1abc'), headers: { Origin: 'vscode-webview://1abc' } },
  { ...page('tauri://localhost', 'app://obsidian.md'), headers: { Origin: 'app://obsidian.md' } },
  { ...page('null'), headers: { Origin: 'null' } },
  { ...page('https://*.example.com'), headers: { Origin: 'https://a.b.example.com' } },
  { ...page('https://*.example.com'), headers: { Origin: 'https://example.com' }, status: 403 },
  { ...page('https://*.example.com'), headers: { Origin: 'http://a.example.com' }, status: 403 },
  {
    ...page('https://*.example.com'),
    headers: { Origin: 'https://evil.com, https://a.example.com' },
    status: 403,
  },
  {
    ...page('moz-extension://*'),
    headers: { Origin: 'moz-extension://7c9e6679-7425-40de-944b-e07fc1f90ae7' },
  },
  { ...page('*'), headers: { Origin: 'https://anywhere.example' } },
  { ...page('*'), headers: { Origin: 'null' } },
  // What a page loads without asking.
  { headers: { 'Sec-Fetch-Site': 'same-origin' } },
  { headers: { 'Sec-Fetch-Site': 'none' } },
  { headers: { 'Sec-Fetch-Site': 'cross-site' }, status: 403, says: /Sec-Fetch-Site: cross-site/ },
  { headers: { 'Sec-Fetch-Site': 'same-site' }, status: 403, says: /list that in allowedOrigins$/ },
  { ...page('*'), headers: { 'Sec-Fetch-Site': 'cross-site' }, status: 403 },
  { ...any, headers: { 'Sec-Fetch-Site': 'cross-site' }, status: 403 },
  { ...page('https://a.com'), headers: { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://a.com' } },
]

test.each(rules)(
  'every way in keeps the rule %j',
  async ({ options = {}, usual = {}, headers, status, says }) => {
    const { url } = await start(() => {}, options)
    const ways = await waysIn(url, usual)
    const before = (await health(url)).sessions
    for (const way of ways) {
      const what = `${way.method} ${way.path}`
      const answer = await send(url, { ...way, headers: { ...usual, ...way.headers, ...headers } })
      if (status === undefined) {
        expect([what, isServed(answer.status)]).toEqual([what, true])
        // A page finds out what it was answered.
        if (headers.Origin !== undefined) {
          expect(answer.headers['access-control-allow-origin']).toBe(headers.Origin)
          expect(answer.headers.vary).toMatch('Origin')
        }
        continue
      }
      expect([what, answer.status]).toEqual([what, status])
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
      if (says !== undefined && way.method !== 'HEAD') {
        const { message } = JSON.parse(answer.body).error
        if (typeof says === 'string') expect(message).toBe(says)
        else expect(message).toMatch(says)
      }
    }
    if (status !== undefined) expect((await health(url)).sessions).toEqual(before)
  },
)

test.each([
  [{}, ['evil.example.com']],
  [named.options, ['other.example.com']],
  [wild.options, ['example.com']],
])(
  '/health answers probes by address, by localhost and without a host, with %j',
  async (options, refused) => {
    const { url } = await start(() => {}, options)
    const check = async (method: string, headers: Record<string, string>) =>
      (await send(url, { method, path: '/health', headers })).status
    for (const method of ['GET', 'HEAD']) {
      for (const host of ['localhost', 'localhost:8080', '127.0.0.1', '10.1.2.3', '[fd00::1]:80', '']) {
        expect([host, await check(method, { Host: host })]).toEqual([host, 200])
      }
      for (const host of refused) expect(await check(method, { Host: host })).toBe(403)
      // It does nothing that a page could be after, and tells a page nothing.
      expect(await check(method, { Host: 'localhost', 'Sec-Fetch-Site': 'cross-site' })).toBe(200)
      expect(await check(method, { Host: 'localhost', Origin: 'https://evil.example.com' })).toBe(403)
    }
    // Another method is no probe.
    expect(await check('OPTIONS', { Host: '10.1.2.3' })).toBe(403)
  },
)

test('a probe over HTTP/1.0, which needs no Host, is answered; nothing else is', async () => {
  const { port } = await start(() => {}, { allowedHosts: ['mcp.example.com'] })
  const ask = async (path: string) => {
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET ${path} HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n`)
    let text = ''
    for await (const piece of socket) text += String(piece)
    return text
  }
  expect(await ask('/health')).toMatch(/^HTTP\/1\.1 200 [^]*"status":"healthy"/)
  for (const path of ['/sse', '/mcp']) {
    expect(await ask(path)).toMatch(/^HTTP\/1\.1 403 [^]*The Host that is missing is not allowed here/)
  }
})

test('on every interface a server is reached by addresses, and through a mapped port by localhost; by a name if it is listed', async () => {
  const { port } = await start(() => {}, { host: '0.0.0.0' })
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const outside = addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address
  // A machine with no network but loopback has loopback's rules only.
  if (outside === undefined) return
  const url = `http://${outside}:${port}`
  for (const Host of [
    outside,
    `${outside}:1`,
    'localhost:3000',
    '127.0.0.1:3000',
    '192.168.7.7',
    '[fd00::1]',
  ]) {
    for (const way of await waysIn(url)) {
      const { status } = await send(url, { ...way, headers: { ...way.headers, Host } })
      expect([Host, way, isServed(status)]).toEqual([Host, way, true])
    }
  }
  for (const Host of ['rebound.example.com', 'mcp:3000']) {
    for (const way of await waysIn(url)) {
      const { status, body } = await send(url, { ...way, headers: { ...way.headers, Host } })
      expect([Host, way, status]).toEqual([Host, way, 403])
      if (way.method !== 'HEAD') expect(body).toMatch('allowedHosts')
    }
  }
  const pages: [string, string, number][] = [
    [outside, `http://${outside}:5173`, 200],
    ['localhost:3000', 'http://127.0.0.1:5173', 200],
    [outside, 'http://192.168.7.7', 403],
    [outside, 'http://localhost:5173', 403],
  ]
  for (const [Host, Origin, status] of pages) {
    const answer = await send(url, { method: 'GET', path: '/health', headers: { Host, Origin } })
    expect([Origin, answer.status]).toEqual([Origin, status])
  }
})

const streams = ['/sse', '/sse?client_id=5f0c6a2e-6b6d-4d0b-9a55-0b0c2f6a7d11', '/mcp']
const image = 'image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8'
const document = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

test.each<[Record<string, string>, boolean]>([
  [{ Accept: 'text/event-stream' }, true],
  [{ Accept: 'TEXT/Event-Stream; q=0.5, application/json' }, true],
  [{ Accept: 'application/json, text/event-stream' }, true],
  [{ Accept: 'text/event-stream', 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Dest': 'empty' }, true],
  // curl, and `fetch` in Node, when they are told nothing.
  [{}, true],
  [{ Accept: '*/*' }, true],
  [{ Accept: '*/*', 'Sec-Fetch-Mode': 'cors' }, true],
  [{ Accept: 'text/event-stream;q=0' }, false],
  [{ Accept: 'text/event-streams' }, false],
  [{ Accept: 'application/json' }, false],
  [{ Accept: image }, false],
  [{ Accept: document }, false],
  [{ Accept: '*/*', 'Sec-Fetch-Site': 'same-origin' }, false],
  [{ Accept: '*/*', 'Sec-Fetch-Dest': 'script' }, false],
  [{ Accept: '*/*', Origin: 'http://localhost' }, false],
  [{ 'Sec-Fetch-Site': 'none' }, false],
])('with %j a stream is opened: %j', async (headers, isOpened) => {
  const { url } = await start()
  const { headers: opened } = await send(url, (await waysIn(url))[5]!)
  const session = { 'Mcp-Session-Id': String(opened['mcp-session-id']) }
  const before = (await health(url)).sessions
  for (const path of streams) {
    for (const method of ['HEAD', 'GET']) {
      const { status, body } = await send(url, { method, path, headers: { ...session, ...headers } })
      expect([path, method, status]).toEqual([path, method, isOpened ? 200 : 406])
      if (!isOpened && method === 'GET') {
        expect(JSON.parse(body).error.message).toMatch(
          'Only text/event-stream is served here: name it in Accept',
        )
      }
    }
  }
  if (!isOpened) expect((await health(url)).sessions).toEqual(before)
})

test('callers whom `principal` rejects do not fill the log; its failures are errors', async () => {
  const logger = new Log()
  const principal = (ctx: any) => {
    if (ctx.get('X-Fail') === '') ctx.throw(401)
    throw new Error('no database')
  }
  const { url } = await start(() => {}, { logger, principal })
  for (const way of ['GET /sse', 'POST /mcp', 'DELETE /mcp', 'POST /messages']) {
    const [method, path] = way.split(' ') as [string, string]
    const headers = { Accept: 'text/event-stream', 'Content-Type': 'application/json' }
    expect((await send(url, { method, path, headers })).status).toBe(401)
  }
  expect(logger.of('warn', 'error')).toEqual([])
  expect((await send(url, { method: 'GET', path: '/sse', headers: { 'X-Fail': 'yes' } })).status).toBe(500)
  expect(logger.errors).toMatchObject([{ message: 'no database' }])
})

test('requests that are turned away are logged once for each reason, and 20 times a minute at most', async () => {
  const logger = new Log()
  const { url } = await start(() => {}, { logger })
  const refused = (Host: string) => send(url, { method: 'GET', path: '/sse', headers: { Host } })
  const now = performance.now.bind(performance)
  try {
    for (let i = 0; i < 5; i++) await refused('evil.example.com')
    const reason = 'The Host evil.example.com is not allowed here: name it in allowedHosts'
    expect(logger.of('warn')).toEqual([{ level: 'warn', message: reason, fields: { path: '/sse' } }])
    for (let i = 0; i < 50; i++) await refused(`evil-${i}.example.com`)
    expect(logger.of('warn')).toHaveLength(20)
    // Those that had no line of their own are counted by the next line.
    expect(logger.of('warn')[1]!.fields).toEqual({ path: '/sse', unlogged: 4 })
    performance.now = () => now() + 60_000
    await refused('evil.example.com')
    expect(logger.of('warn')).toHaveLength(21)
    expect(logger.of('warn')[20]).toMatchObject({ message: reason, fields: { path: '/sse', unlogged: 31 } })
  } finally {
    performance.now = now
  }
})
