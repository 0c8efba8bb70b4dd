import fc from 'fast-check'
import { connect as connectSocket } from 'node:net'
import { connect } from '@tidings/client'
import { until } from '@tidings/testkit/until'
import { exchange, type Exchange } from './exchange.ts'
import { anyValue, nearlyJson } from './messages.ts'
import { openSession, type RawSession, transports } from './raw-session.ts'
import { forInputs, inputsOf } from './runs.ts'
import { type ServerProcess, startServer } from './server-process.ts'

/** Whether it is a response that a client can read: not 500, and if an error, one of JSON-RPC. */
function expectOrderly({ status, headers, text }: Exchange): void {
  const isError = status >= 400
  if (status === 500 || status < 200) throw new Error(`Answered ${status}: ${text}`)
  if (!isError || !headers['content-type']?.startsWith('application/json')) return
  const { error } = JSON.parse(text) as { error?: { code?: unknown; message?: unknown } }
  if (!Number.isInteger(error?.code) || typeof error?.message !== 'string')
    throw new Error(`Not an error: ${text}`)
}

/** That nothing is left of the attack, and that others are served. */
async function expectUnharmed(server: ServerProcess): Promise<void> {
  const client = await connect(`${server.url}/mcp`)
  expect((await client.callTool('echo', { value: 'here' })).structuredContent).toEqual({ value: 'here' })
  await client.close()
  await until(
    async () => {
      const { limits } = (await (await fetch(`${server.url}/health`)).json()) as {
        limits: Record<string, { used: number }>
      }
      return limits['requests']!.used === 0
    },
    'no request in flight',
    20_000,
  )
  expect([server.exit, server.stderr]).toEqual([undefined, ''])
}

const headersOf = ({ headers }: RawSession) => Object.entries(headers).flat()
const bodies = inputsOf(0.1)

test.each(transports)(
  `%s: ${bodies.inputs} bodies that are nearly right are each answered, and harm nothing`,
  async (transport) => {
    const server = await startServer()
    const session = await openSession(server.url, transport)
    const headers = [...headersOf(session), 'Content-Type', 'application/json']
    const modern = fc.constantFrom('tools/call', 'resources/read', 'subscriptions/listen', 'tools/list')
    const input = fc.tuple(nearlyJson, transport === 'stateless' ? modern : fc.constant(undefined))
    await forInputs(bodies.inputs, input, async ([body, method]) => {
      const mirrored = method === undefined ? [] : ['Mcp-Method', method]
      expectOrderly(await exchange(session.url, { headers: [...headers, ...mirrored], body }))
    })
    session.stream?.cut()
    await expectUnharmed(server)
  },
  bodies.timeoutMs,
)

const headerNames = [
  'Accept',
  'Content-Type',
  'Content-Encoding',
  'Mcp-Session-Id',
  'MCP-Protocol-Version',
  'Mcp-Method',
  'Mcp-Name',
  'Last-Event-ID',
  'Origin',
  'Host',
  'Authorization',
  'Sec-Fetch-Site',
  'X-Forwarded-Prefix',
  'Access-Control-Request-Headers',
  'Expect',
]
const headerValues = [
  'application/json',
  'text/event-stream',
  '*/*;q=0',
  'application/json;charset="',
  '2026-07-28',
  '2099-01-01',
  'localhost',
  '[::1',
  '127.0.0.1:99999',
  'http://evil.example',
  'null',
  'cross-site',
  'transient',
  '=?base64?%%%?=',
  '=?utf-8?B?/w==?=',
  '100-continue',
  'x'.repeat(3_000),
]
const header = fc.tuple(
  fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...headerNames) }, fc.stringMatching(/^[A-Za-z-]{1,20}$/)),
  fc.oneof(
    fc.constantFrom(...headerValues),
    fc.stringMatching(/^[\x21-\xff]([\x20-\xff]{0,50}[\x21-\xff])?$/),
  ),
)
const path = fc.oneof(
  fc.constantFrom(
    '/mcp',
    '/sse',
    '/messages',
    '/health',
    '/mcp/',
    '/sse?client_id=',
    '/mcp?client_id=x',
    '/messages?sessionId=x',
  ),
  fc.stringMatching(/^\/[\x21-\x7e]{0,40}$/),
  fc.constantFrom(
    'http://evil.example/sse',
    'http://[::1/sse',
    '*',
    '//evil.example/sse',
    '/%',
    '/sse?client_id=%',
  ),
)
const method = fc.constantFrom('GET', 'POST', 'DELETE', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'TRACE')
const heads = inputsOf(0.2)

test(
  `${heads.inputs} requests with odd methods, targets and headers are each answered, and harm nothing`,
  async () => {
    const server = await startServer()
    const { port } = new URL(server.url)
    const input = fc.tuple(method, path, fc.array(header, { maxLength: 4 }), anyValue)
    await forInputs(heads.inputs, input, async ([method, target, headers, value]) => {
      const host = headers.some(([name]) => name === 'Host') ? [] : [['Host', '127.0.0.1']]
      const body = method === 'POST' ? Buffer.from(JSON.stringify(value) ?? '') : Buffer.alloc(0)
      const lines = [
        ...host,
        ...headers.filter(([name]) => !/^(content-length|transfer-encoding|connection|upgrade)$/i.test(name)),
      ]
      const head = `${method} ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}`
      const text = await talk(
        Number(port),
        Buffer.concat([
          Buffer.from(`${head}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n`, 'latin1'),
          body,
        ]),
      )
      const status = Number(
        /^HTTP\/1\.1 (\d{3}) /.exec(text.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, ''))?.[1],
      )
      if (!(status >= 200) || status === 500) throw new Error(`Answered: ${text.slice(0, 500)}`)
      if (/evil\.example/.test(/^data: .*$/m.exec(text)?.[0] ?? ''))
        throw new Error(`Leads elsewhere: ${text}`)
    })
    await expectUnharmed(server)
  },
  heads.timeoutMs,
)

/** Sends the bytes, and returns what comes back: of a stream, its beginning. */
function talk(port: number, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(port, '127.0.0.1')
    let text = ''
    socket.setEncoding('latin1')
    socket.once('error', reject)
    socket.once('close', () => resolve(text))
    socket.on('data', (chunk: string) => {
      text += chunk
      if (/^content-type: text\/event-stream/im.test(text) && text.includes('\r\n\r\n')) socket.destroy()
    })
    socket.write(bytes)
  })
}
