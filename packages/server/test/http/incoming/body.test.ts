import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { defer } from '@tidings/testkit/disposers'
import { post } from '@tidings/testkit/post'
import { connectRaw } from '../../harness/raw-client.ts'
import { handler, McpServer } from '../../../src/index.ts'
import { heapUsed } from '@tidings/testkit/heap-used'
import { start } from '../../harness/start.ts'

const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })

/** POSTs a body of any type, or of none. */
function postAs(url: string, headers: Record<string, string>, body: string | Uint8Array = ping) {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  return fetch(url, { method: 'POST', headers, body: bytes as Uint8Array<ArrayBuffer> })
}

/** Writes to a socket of its own; resolves, when the server has closed it, to what came back. */
function talk(port: number, ...writes: string[]): Promise<string> {
  return new Promise((resolve) => {
    let got = ''
    const socket = connect(port, '127.0.0.1')
    socket.on('data', (data) => (got += data.toString()))
    socket.on('error', () => {}) // what is written after the server has closed it
    socket.on('close', () => resolve(got))
    for (const text of writes) socket.write(text)
  })
}

function head(endpoint: string, ...lines: string[]): string {
  const { pathname, search } = new URL(endpoint)
  return [
    `POST ${pathname}${search} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Content-Type: application/json',
    ...lines,
    '\r\n',
  ].join('\r\n')
}

test('JSON in UTF-8 is taken, however its type is written', async () => {
  const { url } = await start()
  const { endpoint } = await connectRaw(url)
  for (const type of [
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'Application/JSON ; Charset=UTF-8',
    'application/json; charset=utf8',
    'application/json; charset="UTF8"',
  ]) {
    const response = await postAs(endpoint, { 'Content-Type': type })
    expect([type, response.status]).toEqual([type, 202])
  }
})

test('any other type, or none, is refused, so that no page can send a message by a plain form', async () => {
  const { url } = await start()
  const { endpoint } = await connectRaw(url)
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    'application/json-rpc',
    'text/plain; application/json',
    'application/json; charset=latin1',
    'application/json; charset=utf-16',
  ]) {
    const response = await postAs(endpoint, { 'Content-Type': type })
    expect([type, response.status]).toEqual([type, 415])
    const { error } = (await response.json()) as { error: { message: string } }
    expect(error.message).toContain(type)
  }
  expect((await postAs(endpoint, {})).status).toBe(415)
})

test('a compressed body is refused', async () => {
  const { url } = await start()
  const { endpoint } = await connectRaw(url)
  const response = await postAs(endpoint, { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' })
  expect(response.status).toBe(415)
  expect(await response.text()).toContain('gzip')
})

test('what is not JSON is a parse error', async () => {
  const { url } = await start()
  const { endpoint } = await connectRaw(url)
  for (const body of ['', '{', 'nope', '{"a":1}}', "{'a':1}", '{"a":1,}', ping.slice(0, -1)]) {
    const response = await post(endpoint, body)
    expect([body, response.status]).toEqual([body, 400])
    const { error, ...rest } = (await response.json()) as { error: { code: number; message: string } }
    expect(rest).toEqual({ jsonrpc: '2.0' })
    expect(error.code).toBe(-32700)
    expect(error.message).toMatch(/^Not JSON: /)
  }
})

test('UTF-8 that is cut off or malformed is a parse error', async () => {
  const { url } = await start()
  const { endpoint } = await connectRaw(url)
  const message = Buffer.from('{"jsonrpc":"2.0","id":1,"method":"pingé"}')
  const cut = Buffer.concat([message.subarray(0, message.indexOf(0xa9)), Buffer.from('"}')])
  for (const body of [cut, Buffer.from([0x22, 0xff, 0x22]), Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])]) {
    const response = await postAs(endpoint, { 'Content-Type': 'application/json' }, body)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: -32700 } })
  }
})

test('a body that arrives in pieces, cut within a character, is put together', async () => {
  const { url, port } = await start((server) =>
    server.tool('echo', { input: { type: 'object' } }, ({ text }) => ({
      content: [{ type: 'text', text: String(text) }],
    })),
  )
  const { endpoint, ...client } = await connectRaw(url)
  const params = { name: 'echo', arguments: { text: '🌱é' } }
  const bytes = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 'p', method: 'tools/call', params }))
  const socket = connect(port, '127.0.0.1')
  socket.write(head(endpoint, 'Transfer-Encoding: chunked', 'Connection: close'))
  for (const byte of bytes)
    socket.write(Buffer.concat([Buffer.from('1\r\n'), Buffer.of(byte), Buffer.from('\r\n')]))
  socket.end('0\r\n\r\n')
  const find = () => client.reader.events.find(({ data }) => data.includes('"p"'))
  await client.reader.until(() => find() !== undefined)
  expect(JSON.parse(find()!.data).result.content[0].text).toBe('🌱é')
})

test('a body in chunks of one byte holds no more than its bytes while it is read', async () => {
  const server = defer(new McpServer({ name: 'test', version: '1.2.3' }), (server) => server.close())
  const http = createServer(handler(server)).listen(0, '127.0.0.1')
  defer(http, () => http.close())
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  const [serverSocket] = (await once(http, 'connection')) as [Socket]
  const before = await heapUsed()
  let sent = 0
  const send = async (text: string) => {
    sent += text.length
    if (!socket.write(text)) await once(socket, 'drain')
  }
  await send(head(`http://127.0.0.1:${port}/mcp`, 'Transfer-Encoding: chunked', 'Connection: close'))
  const bytes = 1_000_000
  for (let i = 0; i < 100; i++) await send('1\r\n \r\n'.repeat(bytes / 100))
  while (serverSocket.bytesRead < sent) await new Promise(setImmediate)
  expect((await heapUsed()) - before).toBeLessThan(6 * bytes)
  await send(`${ping.length.toString(16)}\r\n${ping}\r\n0\r\n\r\n`)
  const answer = (await socket.toArray()).join('')
  expect(answer).toMatch(/Mcp-Session-Id is missing/)
}, 30_000)

test('a body that says it is too large is refused unread, and the connection closed', async () => {
  const { url, port } = await start(undefined, { maxBodyBytes: 1000 })
  const client = await connectRaw(url)
  const answer = await talk(port, head(client.endpoint, 'Content-Length: 1001'))
  expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  expect(answer).toMatch(/Connection: close/i)
  expect(answer).toContain('must not be larger than 1000 bytes')
})

test('a body that turns out too large is refused while it is read, and the connection closed', async () => {
  const { url, port } = await start(undefined, { maxBodyBytes: 1000 })
  const client = await connectRaw(url)
  const chunk = `1f4\r\n${'x'.repeat(500)}\r\n`
  const answer = await talk(port, head(client.endpoint, 'Transfer-Encoding: chunked'), chunk, chunk, chunk)
  expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  expect(answer).toMatch(/Connection: close/i)
})

test('a client that goes on sending a body that is too large gets the 413 all the same', async () => {
  const { url } = await start(undefined, { maxBodyBytes: 1000 })
  const { endpoint } = await connectRaw(url)
  const body = 'x'.repeat(8_000_000)
  const headers = { 'Content-Type': 'application/json' }
  expect((await fetch(endpoint, { method: 'POST', headers, body })).status).toBe(413)
  const stream = new Blob([body]).stream()
  const chunked: RequestInit = { method: 'POST', headers, body: stream, ...{ duplex: 'half' } }
  expect((await fetch(endpoint, chunked)).status).toBe(413)
})

test('a client that reads no answer before it has sent its whole body gets the 413 all the same', async () => {
  const { url, port } = await start()
  const { endpoint } = await connectRaw(url)
  const body = Buffer.alloc(5 * 1024 * 1024, ' ')
  const chunked = Buffer.concat([
    Buffer.from(`${body.length.toString(16)}\r\n`),
    body,
    Buffer.from('\r\n0\r\n\r\n'),
  ])
  for (const [header, bytes] of [
    [`Content-Length: ${body.length}`, body],
    ['Transfer-Encoding: chunked', chunked],
  ] as const) {
    const socket = connect(port, '127.0.0.1').pause()
    socket.write(head(endpoint, header))
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.write(bytes, (error) => (error ? reject(error) : resolve()))
    })
    const answer = Buffer.concat(await socket.toArray()).toString()
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(answer).toMatch(/Connection: close/i)
    expect(answer).toContain('must not be larger than 4194304 bytes')
  }
})

test('a body that never ends is not read for ever', async () => {
  const { url, port } = await start(undefined, { maxBodyBytes: 1000 })
  const { endpoint } = await connectRaw(url)
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  let got = ''
  socket.on('data', (data) => (got += data.toString()))
  socket.write(head(endpoint, 'Transfer-Encoding: chunked'))
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
  let sent = 0
  const send = () => {
    while (socket.writable) {
      sent += chunk.length
      if (!socket.write(chunk)) return void socket.once('drain', send)
    }
  }
  send()
  await new Promise((resolve) => socket.once('close', resolve))
  expect(got).toMatch(/^HTTP\/1\.1 413 /)
  // What is read to no effect, and what the system holds.
  expect(sent).toBeLessThan(64 * 1024 * 1024)
})

test('a body of exactly the limit is taken', async () => {
  const { url } = await start(undefined, { maxBodyBytes: 1000 })
  const { endpoint } = await connectRaw(url)
  expect((await post(endpoint, ping.padEnd(1000))).status).toBe(202)
  expect((await post(endpoint, ping.padEnd(1001))).status).toBe(413)
})

test('the limit is 4 MiB by default', async () => {
  const { url } = await start()
  const { endpoint } = await connectRaw(url)
  expect((await post(endpoint, ping.padEnd(4 * 1024 * 1024))).status).toBe(202)
  expect((await post(endpoint, ping.padEnd(4 * 1024 * 1024 + 1))).status).toBe(413)
})

test('a message that was cut off leaves nothing behind', async () => {
  const { url, port } = await start()
  const client = await connectRaw(url)
  const socket = connect(port, '127.0.0.1')
  socket.write(head(client.endpoint, 'Content-Length: 1000') + '{"jsonrpc"')
  await new Promise<void>((resolve) => socket.end(resolve))
  socket.destroy()
  expect(await client.request('ping')).toMatchObject({ result: {} })
})

const tooDeep = `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`
const tooMany = `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":[${'0,'.repeat(2_000_000)}0]}}`

test.each([
  ['nested too deep', tooDeep, 'A message must not be nested more than 100 deep'],
  ['with too many values', tooMany, 'A message must not hold more than 100000 values: send less in one'],
])('a body %s is refused, whatever it is for, and names the bound', async (_, body, message) => {
  const { url } = await start()
  const { endpoint } = await connectRaw(url)
  for (const target of [endpoint, `${url}/mcp`]) {
    const response = await post(target, body)
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { code: -32600, message } },
    ])
  }
})

test.each([
  ['nested too deep', tooDeep],
  ['with too many values', tooMany],
])('a body %s that a body parser has read is refused', async (_, body) => {
  const server = defer(new McpServer({ name: 'test', version: '1.2.3' }), (server) => server.close())
  const listener = handler(server)
  const http = createServer((request, response) => {
    listener(Object.assign(request, { body: JSON.parse(body) as unknown }), response)
  }).listen(0, '127.0.0.1')
  defer(http, () => http.close())
  await once(http, 'listening')
  const response = await post(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`, ping)
  expect([response.status, await response.json()]).toMatchObject([400, { error: { code: -32600 } }])
})

test('a larger maxBodyBytes allows more values', async () => {
  const { url } = await start(undefined, { maxBodyBytes: 50 * 300_000 })
  const { endpoint } = await connectRaw(url)
  const body = (values: number) =>
    `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":[${'0,'.repeat(values - 7)}0]}}`
  expect((await post(endpoint, body(300_000))).status).toBe(202)
  expect((await post(endpoint, body(300_001))).status).toBe(400)
})
