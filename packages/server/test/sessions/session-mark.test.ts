import { Log } from '@tidings/testkit/log'
import { post } from '@tidings/testkit/post'
import { MemoryBackplane } from '../../src/index.ts'
import { connectRaw } from '../harness/raw-client.ts'
import { read } from '../harness/read.ts'
import { start } from '../harness/start.ts'

const initialize = {
  jsonrpc: '2.0',
  id: 'init',
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '0' } },
}
const ping = { jsonrpc: '2.0', id: 'p', method: 'ping' }
const accept = { Accept: 'application/json, text/event-stream' }
const byAnother = 'opened by another process'

/** The id of a new session of Streamable HTTP. */
async function sessionAt(url: string): Promise<string> {
  return (await post(`${url}/mcp`, initialize, accept)).headers.get('Mcp-Session-Id')!
}

function pingAt(url: string, id: string): Promise<Response> {
  return post(`${url}/mcp`, ping, { ...accept, 'Mcp-Session-Id': id })
}

/** Two servers that could serve one address, as two processes do. */
async function startTwo(options: { backplane?: MemoryBackplane } = {}) {
  const log = new Log()
  const one = await start(undefined, {}, options)
  const other = await start(undefined, { logger: log }, options)
  const warnings = () => log.of('warn').filter(({ message }) => message.includes(byAnother))
  return { one, other, warnings }
}

test('a session of another process is refused in words, and the operator is told once', async () => {
  const { one, other, warnings } = await startTwo()
  for (let i = 0; i < 2; i++) {
    const response = await pingAt(other.url, await sessionAt(one.url))
    expect(response.status).toBe(404)
    const { error } = await response.json()
    expect(error.message).toMatch(byAnother)
    expect(error.message).toMatch('backplane')
  }
  expect(warnings()).toHaveLength(1)
  expect(warnings()[0]!.fields.advice).toMatch('backplane')
})

test('the same holds for the messages of HTTP+SSE', async () => {
  const { one, other, warnings } = await startTwo()
  const { endpoint } = await connectRaw(one.url)
  const { pathname, search } = new URL(endpoint)
  const response = await post(other.url + pathname + search, ping)
  expect(response.status).toBe(404)
  expect(await response.text()).toMatch(byAnother)
  expect(warnings()).toHaveLength(1)
})

test('a stream of HTTP+SSE that comes back to another process begins anew, and the operator is told', async () => {
  const { one, other, warnings } = await startTwo()
  const { reader } = await connectRaw(one.url)
  const again = await read(`${other.url}/sse`, { 'Last-Event-ID': reader.lastEventId })
  expect((await again.next()).event).toBe('endpoint')
  expect(again.response.headers['tidings-recovered']).toBe('false')
  expect(warnings()).toHaveLength(1)
})

test('a session that has ended is none of another process', async () => {
  const { other, warnings } = await startTwo()
  const id = await sessionAt(other.url)
  await fetch(`${other.url}/mcp`, { method: 'DELETE', headers: { 'Mcp-Session-Id': id } })
  const response = await pingAt(other.url, id)
  expect(response.status).toBe(404)
  expect(await response.text()).not.toMatch(byAnother)
  expect(warnings()).toHaveLength(0)
})

test('nor is an id of another shape', async () => {
  const { other, warnings } = await startTwo()
  expect(await (await pingAt(other.url, 'x')).text()).not.toMatch(byAnother)
  expect(warnings()).toHaveLength(0)
})

test('nothing is said where a backplane is shared', async () => {
  const { one, other, warnings } = await startTwo({ backplane: new MemoryBackplane() })
  const id = await sessionAt(one.url)
  expect((await pingAt(other.url, id)).status).toBe(200)
  await fetch(`${one.url}/mcp`, { method: 'DELETE', headers: { 'Mcp-Session-Id': id } })
  expect(await (await pingAt(other.url, id)).text()).not.toMatch(byAnother)
  expect(warnings()).toHaveLength(0)
})
