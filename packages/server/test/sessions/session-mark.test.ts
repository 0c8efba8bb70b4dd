import { randomBytes } from 'node:crypto'
import { Log } from '@tidings/testkit/log'
import { post } from '@tidings/testkit/post'
import { MemoryBackplane } from '../../src/index.ts'
import { read } from '../harness/read.ts'
import { start } from '../harness/start.ts'

const foreignId = () => randomBytes(19).toString('base64url').padEnd(26, '0')
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }

const warnings = (log: Log) => log.lines.all.filter(({ message }) => message.includes('another process'))

test('a session of another process: 404 that says why, and one warning that says what to do', async () => {
  const log = new Log()
  const { url } = await start(() => {}, { logger: log })
  for (let i = 0; i < 3; i++) {
    const answer = await post(`${url}/mcp`, ping, {
      Accept: 'application/json, text/event-stream',
      'Mcp-Session-Id': foreignId(),
    })
    expect([answer.status, (await answer.json()).error.message]).toEqual([
      404,
      expect.stringContaining('opened by another process'),
    ])
    const sse = await post(`${url}/messages?sessionId=${foreignId()}`, ping)
    expect([sse.status, (await sse.json()).error.message]).toEqual([
      404,
      expect.stringContaining('opened by another process'),
    ])
  }
  expect(warnings(log)).toEqual([
    expect.objectContaining({
      level: 'warn',
      message: expect.stringContaining('new McpServer(info, { backplane })'),
    }),
  ])
})

test('HTTP+SSE: who comes back to another process is noticed, too', async () => {
  const log = new Log()
  const { url } = await start(() => {}, { logger: log })
  await read(`${url}/sse`, { 'Last-Event-ID': `${foreignId()}.epoch.1` })
  expect(warnings(log)).toHaveLength(1)
})

test('no warning of an id that this process gave, that is none, or where there is a backplane', async () => {
  const log = new Log()
  const own = await start(() => {}, { logger: log })
  const reader = await read(`${own.url}/sse`)
  const { data } = await reader.next()
  await fetch(own.url + data, { method: 'DELETE' })
  expect((await post(own.url + data, ping)).status).toBe(404)
  expect((await post(`${own.url}/messages?sessionId=nonsense`, ping)).status).toBe(404)
  const shared = await start(() => {}, { logger: log }, { backplane: new MemoryBackplane() })
  expect((await post(`${shared.url}/messages?sessionId=${foreignId()}`, ping)).status).toBe(404)
  expect(warnings(log)).toEqual([])
})
