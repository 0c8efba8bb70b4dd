import { once } from 'node:events'
import Koa from 'koa'
import * as z from 'zod'
import { post } from '@tidings/testkit/post'
import { McpServer, mcp, serve } from '../src/index.ts'
import { read } from './harness/read.ts'
import { start } from './harness/start.ts'

// As a program in plain JavaScript would.
const any = (value: unknown) => value as never
const info = { name: 'test', version: '1.2.3' }

test.each([
  [{ requestTimeoutMs: any('5s') }, 'requestTimeoutMs must be a number of at least 0, got "5s"'],
  [{ pageSize: 0 }, 'pageSize must be a whole number from 1 to 2147483647, got 0'],
  [{ pageSize: 1.5 }, 'pageSize must be a whole number from 1 to 2147483647, got 1.5'],
  [
    { cacheHints: { tools: { ttlMs: -1, cacheScope: 'public' as const } } },
    'tools.ttlMs must be a whole number from 0 to 2147483647, got -1',
  ],
  [
    { cacheHints: { discover: { ttlMs: 1, cacheScope: any('all') } } },
    'discover.cacheScope must be public or private, got "all"',
  ],
  [{ logger: any({}) }, 'logger must have a method debug(fields, message), as a pino logger has'],
])('a server refuses %j', (options, message) => {
  expect(() => new McpServer(info, options)).toThrow(new TypeError(message))
})

const publicUrl =
  'publicUrl must be an http or https URL without query, such as https://example.com/tools, got '
const host =
  'allowedHosts: a host is a name or an address, without scheme, port and path, such as mcp.example.com, ' +
  '*.example.com for all names below it, or * for any host; got '
const origin =
  'allowedOrigins: an origin is a scheme, a host, and a port unless it is the default one, such as ' +
  'https://app.example.com, https://*.example.com or chrome-extension://ID; null stands for pages without an ' +
  'origin, * for every page; got '

test.each([
  [{ maxBodyBytes: any('1mb') }, 'maxBodyBytes must be a number of at least 0, got "1mb"'],
  [{ keepAliveMs: NaN }, 'keepAliveMs must be a number of at least 0, got NaN'],
  [{ retryMs: -1 }, 'retryMs must be a whole number from 0 to 2147483647, got -1'],
  // Clients must ignore a `retry:` that is not digits alone.
  [{ retryMs: 1.5 }, 'retryMs must be a whole number from 0 to 2147483647, got 1.5'],
  [{ retryMs: Infinity }, 'retryMs must be a whole number from 0 to 2147483647, got Infinity'],
  [{ retryMs: 1e21 }, 'retryMs must be a whole number from 0 to 2147483647, got 1e+21'],
  [{ keepSessions: any('no') }, 'keepSessions must be true or false, got "no"'],
  [{ requestStateSecret: any(5) }, 'requestStateSecret must be a string or bytes, got 5'],
  [{ limits: any(5) }, 'limits must be an object, got 5'],
  [{ limits: { requests: any(5) } }, 'limits.requests must be an object, got 5'],
  [
    { limits: any({ request: {} }) },
    'limits has no field request: it has sessions, streams, requests, subscriptions, bytes',
  ],
  [
    { limits: { sessions: any({ perSession: 5 }) } },
    'limits.sessions has no field perSession: it has total, perPrincipal',
  ],
  [{ paths: any({ mpc: '/a' }) }, 'paths has no field mpc: it has sse, messages, mcp, health'],
  [{ publicUrl: any(5) }, `${publicUrl}5`],
  [{ publicUrl: '/tools' }, `${publicUrl}"/tools"`],
  [{ publicUrl: 'ftp://a/b' }, `${publicUrl}"ftp://a/b"`],
  [{ publicUrl: 'https://a/b?c' }, `${publicUrl}"https://a/b?c"`],
  [{ publicUrl: 'https://a//b' }, `${publicUrl}"https://a//b"`],
  [{ publicUrl: 'https://u@a/b' }, `${publicUrl}"https://u@a/b"`],
  [{ publicUrl: 'https://a:99999/b' }, `${publicUrl}"https://a:99999/b"`],
  [{ allowedHosts: ['https://a.com'] }, `${host}https://a.com`],
  [{ allowedHosts: ['ok.com', 'a.com:80'] }, `${host}a.com:80`],
  [{ allowedHosts: ['[::1]:80'] }, `${host}[::1]:80`],
  [{ allowedHosts: ['a.com/b'] }, `${host}a.com/b`],
  [{ allowedHosts: ['a.*.com'] }, `${host}a.*.com`],
  [{ allowedHosts: ['*a.com'] }, `${host}*a.com`],
  [{ allowedHosts: ['*.'] }, `${host}*.`],
  [{ allowedHosts: [''] }, `${host}`],
  [{ allowedOrigins: ['app.example.com'] }, `${origin}app.example.com`],
  [{ allowedOrigins: ['https://app.example.com/'] }, `${origin}https://app.example.com/`],
  [{ allowedOrigins: ['https://app.example.com:443'] }, `${origin}https://app.example.com:443`],
  [{ allowedOrigins: ['https://APP.example.com'] }, `${origin}https://APP.example.com`],
  [{ allowedOrigins: ['https://a.*.com'] }, `${origin}https://a.*.com`],
  [{ allowedOrigins: ['chrome-extension://a/b'] }, `${origin}chrome-extension://a/b`],
  [{ allowedOrigins: ['data:text/html,x'] }, `${origin}data:text/html,x`],
  [{ allowedHosts: any('a') }, 'allowedHosts must be a list of strings, got "a"'],
  [{ allowedOrigins: any([5]) }, 'allowedOrigins must be a list of strings, got an object'],
  [{ responses: any('xml') }, 'responses must be auto, json or sse, got "xml"'],
  [{ principal: any('ada') }, 'principal must be a function of the Koa context, got "ada"'],
  [{ idleTimeoutMs: any(null) }, 'idleTimeoutMs must be a number of at least 0, got null'],
  [{ logger: any(console.log) }, 'logger must have a method debug(fields, message), as a pino logger has'],
])('a mount refuses %j', (options, message) => {
  expect(() => mcp(new McpServer(info), options)).toThrow(new TypeError(message))
})

test.each([
  [
    {
      allowedHosts: [
        'a.com',
        'A.com.',
        '10.0.0.1',
        '::1',
        '[::1]',
        '*.a.com',
        '*',
        'localhost',
        'xn--e1a4c.com',
      ],
    },
  ],
  [
    {
      allowedOrigins: [
        'null',
        '*',
        'https://a.com:8443',
        'http://[::1]',
        'https://*.a.com:8443',
        'https://*',
      ],
    },
  ],
  [{ allowedOrigins: ['chrome-extension://abc', 'vscode-webview://1a-b', 'tauri://localhost', 'file://'] }],
  [{ publicUrl: 'https://example.com' }],
])('a mount takes %j', (options) => {
  mcp(new McpServer(info), options)
})

test.each([
  [{ port: any('3000') }, 'port must be a whole number from 0 to 65535, got "3000"'],
  [{ port: -1 }, 'port must be a whole number from 0 to 65535, got -1'],
  [{ port: 65_536 }, 'port must be a whole number from 0 to 65535, got 65536'],
  [{ port: 80.5 }, 'port must be a whole number from 0 to 65535, got 80.5'],
  [{ port: NaN }, 'port must be a whole number from 0 to 65535, got NaN'],
  [{ port: any(null) }, 'port must be a whole number from 0 to 65535, got null'],
  [{ host: any(5) }, 'host must be a name or an address, got 5'],
])('serve() refuses %j', async (options, message) => {
  await expect(serve(new McpServer(info), options)).rejects.toThrow(new TypeError(message))
})

test('a stop refuses a deadline that is no number, and the server goes on', async () => {
  const { url, server, close } = await start()
  for (const stop of [close, (options: object) => server.close(options)]) {
    await expect(stop({ deadlineMs: any('5s') })).rejects.toThrow(
      new TypeError('deadlineMs must be a number of at least 0, got "5s"'),
    )
  }
  expect((await fetch(`${url}/health`)).status).toBe(200)
})

test('what is registered has options and a handler, by the names that they have here', () => {
  const server = new McpServer(info)
  const handler = () => ({ content: [] })
  const refused: [() => unknown, string][] = [
    [
      () => server.tool('a', any(handler), any(undefined)),
      'The tool "a": its options must be an object, which may be empty, got a function',
    ],
    [
      () => server.tool('a', {}, any(undefined)),
      'The tool "a": its handler, after the options, must be a function, got undefined',
    ],
    [
      () => server.tool('a', any({ inputSchema: z.object({}) }), any(handler)),
      'The tool "a": the option inputSchema is called input here',
    ],
    [
      () => server.prompt('a', any({ argsSchema: z.object({}) }), any(handler)),
      'The prompt "a": the option argsSchema is called input here',
    ],
    [
      () => server.resource('test://a', any(null), handler),
      'The resource test://a: its options must be an object, which may be empty, got null',
    ],
    [
      () => server.tool('a', any(1n), any(handler)),
      'The tool "a": its options must be an object, which may be empty, got 1',
    ],
    [
      () => server.template('test://{a}', {}, any({ a: 1 })),
      'The template test://{a}: its handler, after the options, must be a function, got an object',
    ],
  ]
  for (const [register, message] of refused) expect(register).toThrow(new TypeError(message))
})

test('a principal that is no id is an error of the application, and of nobody else', async () => {
  const principals: unknown[] = [{ id: 7 }, null, 7, Promise.resolve({ id: 7 })]
  const errors: Error[] = []
  const app = new Koa().on('error', (error: Error) => errors.push(error))
  app.use(mcp(new McpServer(info), { principal: () => any(principals[0]) }))
  const http = app.listen(0, '127.0.0.1')
  await once(http, 'listening')
  try {
    const { port } = http.address() as { port: number }
    for (const returned of ['an object', 'null', '7', 'an object']) {
      expect(
        (await post(`http://127.0.0.1:${port}/mcp`, { jsonrpc: '2.0', id: 1, method: 'ping' })).status,
      ).toBe(500)
      expect((await fetch(`http://127.0.0.1:${port}/sse`)).status).toBe(500)
      expect(errors.splice(0).map(({ message }) => message)).toEqual(
        Array(2).fill(
          `principal must return a string, such as the id of a user, or undefined; it returned ${returned}`,
        ),
      )
      principals.shift()
    }
  } finally {
    http.close()
  }
})

test('an interval without end is as long as a timer can take, and not the shortest', async () => {
  const { setInterval } = globalThis
  const delays: unknown[] = []
  globalThis.setInterval = ((run: () => void, delayMs: number) => {
    delays.push(delayMs)
    return setInterval(run, delayMs)
  }) as typeof setInterval
  try {
    const { url } = await start(() => {}, { keepAliveMs: Infinity })
    await read(`${url}/sse`)
  } finally {
    globalThis.setInterval = setInterval
  }
  expect(delays).toContain(2 ** 31 - 1)
  expect(delays).not.toContain(Infinity)
})

test('a server of its own says where its transports are', async () => {
  const serving = await serve(new McpServer(info), { paths: { mcp: '/api/mcp' } })
  const response = await fetch(`${serving.url}/mcp`)
  expect([response.status, await response.text()]).toEqual([
    404,
    'There is nothing at /mcp. MCP clients connect to /api/mcp, those of HTTP+SSE to /sse.\n',
  ])
  await serving.close()
})
