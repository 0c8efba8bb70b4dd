import { once } from 'node:events'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer, request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Worker } from 'node:worker_threads'
import Koa from 'koa'
import { defer } from '@tidings/testkit/disposers'
import { SseReader } from '@tidings/testkit/sse-reader'
import { McpServer, mcp } from '../../../src/index.ts'
import { health, untilHealth } from '../../harness/health.ts'
import { listen } from '../../harness/listen.ts'
import { changesOf } from '../../harness/internals.ts'
import { connectRaw, type RawClient } from '../../harness/raw-client.ts'
import { read } from '../../harness/read.ts'
import { start } from '../../harness/start.ts'

const { jest } = import.meta
const uri = `test://counter/${'x'.repeat(4_000)}`
const writeTimeoutMs = 60_000
const answerBytes = 100_000_000

/** The clock of the deadline, and of nothing else, is the test's. */
beforeEach(() => {
  jest.useFakeTimers({
    doNotFake: [
      'Date',
      'hrtime',
      'nextTick',
      'queueMicrotask',
      'setImmediate',
      'clearImmediate',
      'setTimeout',
      'clearTimeout',
    ],
  })
})
afterEach(() => jest.useRealTimers())
const pass = (ms: number) => void jest.advanceTimersByTime(ms)

async function serving() {
  const { server, ...rest } = await start(
    (server) => {
      server.resource(uri, {}, () => 'a')
      server.tool('large', {}, () => ({ content: [{ type: 'text', text: 'x'.repeat(answerBytes) }] }))
    },
    { writeTimeoutMs },
  )
  /** Changes until the socket of a reader that has stalled takes no more of them, and then some. */
  const publish = async () => {
    for (let i = 0; i < 5_000; i++) {
      server.changed(uri)
      await new Promise(setImmediate)
    }
  }
  return { ...rest, server, publish }
}

async function subscribed(url: string): Promise<RawClient> {
  const client = await connectRaw(url)
  await client.request('resources/subscribe', { uri })
  return client
}

test('a reader that takes nothing for as long as the deadline is cut, and comes back to its session', async () => {
  const { url, server, publish } = await serving()
  const [stalled, other] = await Promise.all([subscribed(url), subscribed(url)])
  stalled.reader.stall()
  await publish()
  pass(writeTimeoutMs - 5_000)
  expect(await health(url)).toMatchObject({ connected_clients: 2, write_timeouts: 0 })
  pass(10_000)
  await untilHealth(url, ({ connected_clients }) => connected_clients === 1)
  expect(await health(url)).toMatchObject({ write_timeouts: 1, sessions: { open: 2, ended: {} } })
  stalled.reader.goOn()
  await stalled.reader.untilClosed()
  const back = await read(`${url}/sse`, { 'Last-Event-ID': stalled.reader.lastEventId })
  expect(back.response.headers['tidings-recovered']).toBe('true')
  const last = new RegExp(`\\.${changesOf(server).seq}$`)
  await back.until(() => last.test(back.lastEventId), 'the latest change')
  expect(await other.request('ping')).toMatchObject({ result: {} })
}, 60_000)

test('a reader that has stalled for less than the deadline loses nothing', async () => {
  const { url, server, publish } = await serving()
  const client = await subscribed(url)
  client.reader.stall()
  await publish()
  pass(writeTimeoutMs - 5_000)
  client.reader.goOn()
  const last = new RegExp(`\\.${changesOf(server).seq}$`)
  await client.reader.until(() => last.test(client.reader.lastEventId), 'the latest change')
  pass(writeTimeoutMs * 100)
  expect(await client.request('ping')).toMatchObject({ result: {} })
  expect((await health(url)).write_timeouts).toBe(0)
}, 60_000)

test('a reader of a stream on which nothing happens is not cut, however long that is', async () => {
  const { url } = await serving()
  const [reader, stream] = await Promise.all([
    read(`${url}/sse`),
    listen(url, { resourceSubscriptions: [uri] }),
  ])
  await Promise.all([reader.next(), stream.next()])
  pass(writeTimeoutMs * 10)
  await Promise.all([reader, stream].map((one) => one.until(() => one.comments.length > 10, 'comments')))
  expect(await health(url)).toMatchObject({ connected_clients: 2, write_timeouts: 0 })
})

test('a listen stream whose reader has stalled is cut, too', async () => {
  const { url, publish } = await serving()
  const stream = await listen(url, { resourceSubscriptions: [uri] })
  stream.stall()
  await publish()
  pass(writeTimeoutMs + 10_000)
  await untilHealth(url, ({ connected_clients }) => connected_clients === 0)
  expect(await health(url)).toMatchObject({
    write_timeouts: 1,
    limits: { streams: { used: 0 }, subscriptions: { used: 0 } },
  })
}, 60_000)

test('a large answer may take longer than the deadline, as long as its reader reads on', async () => {
  const { url, port } = await serving()
  const request = httpRequest({ port, ...largeAnswer, agent: false })
  await readsOn(request, async () => health(url))
}, 60_000)

test('so it may over TLS', async () => {
  const server = new McpServer({ name: 'test', version: '0' })
  server.tool('large', {}, () => ({ content: [{ type: 'text', text: 'x'.repeat(answerBytes) }] }))
  // A key that both know, so that no certificate is needed.
  const psk = Buffer.alloc(16, 1)
  const tls = { ciphers: 'PSK-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' } as const
  const app = new Koa().use(mcp(server, { writeTimeoutMs }))
  const answer = app.callback()
  const https = createHttpsServer({ ...tls, pskCallback: () => psk }, (req, res) => void answer(req, res))
  https.listen(0, '127.0.0.1')
  await once(https, 'listening')
  defer(https, () => {
    https.closeAllConnections()
    https.close()
  })
  const { port } = https.address() as AddressInfo
  const pskCallback = () => ({ psk, identity: 'test' })
  const options = { ...tls, port, pskCallback, checkServerIdentity: () => undefined, agent: false }
  await readsOn(httpsRequest({ ...options, ...largeAnswer }), async () => {
    const request = httpsRequest({ ...options, host: '127.0.0.1', path: '/health' }).end()
    // Its connection is closed, too, before time passes.
    const closed = once(request, 'close')
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const body = Buffer.concat(await response.toArray()).toString()
    await closed
    return JSON.parse(body)
  })
}, 60_000)

const largeAnswer = {
  host: '127.0.0.1',
  method: 'POST',
  path: `/mcp?client_id=${crypto.randomUUID()}`,
  headers: { 'Content-Type': 'application/json' },
}

/** Asks for a large answer, reads on until several deadlines are over, and then no more. */
async function readsOn(request: ClientRequest, health: () => Promise<any>): Promise<void> {
  request.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'large' } }))
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.on('error', () => {})
  let bytes = 0
  for (let i = 0; i < 3; i++) {
    pass(writeTimeoutMs - 10_000)
    // More than the system holds, so that the server must have written.
    const enough = bytes + 20_000_000
    while (bytes < enough) {
      const chunk = response.read() as Buffer | null
      if (chunk === null) await once(response, 'readable')
      else bytes += chunk.length
    }
  }
  expect((await health()).write_timeouts).toBe(0)
  pass(writeTimeoutMs + 10_000)
  expect((await health()).write_timeouts).toBe(1)
  const closed = new Promise((resolve) => response.once('close', resolve))
  response.resume()
  await closed
  expect(bytes).toBeLessThan(answerBytes)
}

test("the application's own responses are left alone, also on a connection that has carried ours", async () => {
  const { url, http } = await serving()
  const socket = once(http, 'connection')
  const reader = new SseReader(await get(`${url}/health`))
  await reader.untilClosed()
  const [connection] = await socket
  // As a response of the application would.
  connection.write(Buffer.alloc(answerBytes))
  pass(writeTimeoutMs * 2)
  expect(connection.destroyed).toBe(false)
  connection.destroy()
})

async function get(url: string): Promise<IncomingMessage> {
  const request = httpRequest(url, { agent: false, headers: { Connection: 'keep-alive' } }).end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return response
}

/** Reads all of a large answer, in a thread of its own, and says how many bytes it got. */
const reader = `
  const { request } = require('node:http')
  const { parentPort, workerData: { port, path, body } } = require('node:worker_threads')
  const headers = { 'Content-Type': 'application/json' }
  let bytes = 0
  const end = (error) => parentPort.postMessage({ bytes, error: error?.message })
  request({ host: '127.0.0.1', port, method: 'POST', path, headers, agent: false }, (response) => {
    parentPort.postMessage('begun')
    response.on('data', (chunk) => (bytes += chunk.length)).on('end', () => end()).on('error', end)
  }).on('error', end).end(body)
`

test('a reader is not blamed for the time in which this process stalls', async () => {
  jest.useRealTimers()
  const { server, url, port } = await start(() => {}, { writeTimeoutMs: 400 })
  server.tool('large', {}, () => ({ content: [{ type: 'text', text: 'x'.repeat(answerBytes) }] }))
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'large' } })
  const workerData = { port, path: largeAnswer.path, body }
  const worker = defer(new Worker(reader, { eval: true, workerData }), (worker) => worker.terminate())
  const result = new Promise<unknown>((resolve) => {
    worker.on('message', (message) => {
      if (message !== 'begun') return resolve(message)
      const until = performance.now() + 2_000
      while (performance.now() < until);
    })
  })
  expect(await result).toEqual({ bytes: expect.any(Number) })
  expect(await health(url)).toMatchObject({ write_timeouts: 0 })
}, 60_000)
