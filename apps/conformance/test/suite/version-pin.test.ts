import { once } from 'node:events'
import http from 'node:http'
import { text } from 'node:stream/consumers'
import { pinVersion, type VersionPin } from '../../src/suite/version-pin.ts'

/** Answers with what it was sent; a GET with a stream that does not end. */
const server = http.createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  if (request.method === 'GET') return void response.write('data: first\n\n')
  const { host, 'mcp-protocol-version': version } = request.headers
  void text(request).then((body) => response.end(JSON.stringify({ host, version, body })))
})
let target: URL
let pin: VersionPin

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  target = new URL(`http://127.0.0.1:${(server.address() as { port: number }).port}/mcp`)
  pin = await pinVersion(target, '2025-03-26')
})

afterAll(async () => {
  await pin.close()
  server.close()
  server.closeAllConnections()
})

async function post(body: string): Promise<{ host: string; version: string; body: string }> {
  const headers = { 'mcp-protocol-version': '2025-11-25' }
  return (await (await fetch(pin.url, { method: 'POST', headers, body })).json()) as never
}

test('initialize asks for the revision that is forced', async () => {
  const params = { protocolVersion: '2025-11-25', capabilities: {} }
  const got = await post(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }))
  expect(JSON.parse(got.body)).toEqual({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-03-26', capabilities: {} },
  })
  expect(got.version).toBe('2025-03-26')
  expect(pin.pinned).toBe(1)
})

test('all else passes as it is, but for the host it names', async () => {
  for (const body of ['{"jsonrpc":"2.0","id":2,"method":"ping"}', '{ "no JSON"', '[]']) {
    expect(await post(body)).toMatchObject({ body, host: target.host, version: '2025-11-25' })
  }
  expect(pin.pinned).toBe(1)
})

test('a stream is passed on as it comes, and ended when its reader leaves', async () => {
  const left = once(server, 'request').then(([, response]) => once(response as http.ServerResponse, 'close'))
  const reader = (await fetch(pin.url)).body!.getReader()
  const { value } = await reader.read()
  expect(new TextDecoder().decode(value)).toBe('data: first\n\n')
  await reader.cancel()
  await left
})
