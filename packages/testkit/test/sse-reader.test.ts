import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { defer } from '../src/disposers.ts'
import { SseReader } from '../src/sse-reader.ts'
import { SseStream } from '../src/sse-stream.ts'
import { until } from '../src/until.ts'

/** A response that the test writes, and the same as it is read. */
async function stream(): Promise<{ written: ServerResponse; read: IncomingMessage }> {
  const server = createServer().listen(0, '127.0.0.1')
  defer(server, () => server.closeAllConnections() ?? server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const asked = once(server, 'request')
  const answered = once(request({ port, host: '127.0.0.1', agent: false }).end(), 'response')
  const [, written] = (await asked) as [IncomingMessage, ServerResponse]
  written.writeHead(200).flushHeaders()
  const [read] = (await answered) as [IncomingMessage]
  return { written, read }
}

test('events are kept, and taken one after the other', async () => {
  const { written, read } = await stream()
  const reader = new SseReader(read)
  written.write('retry: 5\n: hello\nid: 1\nevent: endpoint\ndata: /mess')
  written.write('ages\n\ndata: {"a":1}\n\n')
  expect(await reader.next()).toEqual({ id: '1', event: 'endpoint', data: '/messages' })
  expect(await reader.message()).toEqual({ a: 1 })
  expect(reader).toMatchObject({ retryMs: 5, comments: ['hello'], lastEventId: '1' })
  written.end()
  await reader.untilClosed()
  expect(reader.closed).toBe(true)
  await expect(reader.next()).rejects.toThrow('The stream closed while waiting for the next event')
})

test('the id of an event without data is told, the event is not', async () => {
  const { written, read } = await stream()
  const told: unknown[] = []
  new SseStream(read, { id: (id) => told.push(id), event: ({ data }) => told.push(data) })
  written.write('id: 1\n\nid: 2\ndata: x\n\n')
  await until(
    () => told.length === 3,
    () => `only this was told: ${JSON.stringify(told)}`,
  )
  expect(told).toEqual(['1', '2', 'x'])
})

test.each(['fin', 'reset'] as const)('a stream that is cut by a %s is closed on both sides', async (how) => {
  const { written, read } = await stream()
  const reader = new SseReader(read)
  const closed = new Promise((resolve) => written.once('close', resolve))
  reader.cut(how)
  await Promise.all([closed, reader.untilClosed()])
})

test('a stream that is stalled reads nothing until it goes on', async () => {
  const { written, read } = await stream()
  const reader = new SseReader(read)
  written.write('data: 1\n\n')
  await reader.next()
  reader.stall()
  const event = `data: ${'x'.repeat(1_000)}\n\n`
  let count = 0
  while (written.write(event)) count++
  await new Promise(setImmediate)
  expect(reader.events).toHaveLength(1)
  reader.goOn()
  await reader.until(() => reader.events.length === count + 2, 'what was written meanwhile')
})
