import { defer } from '@tidings/testkit/disposers'
import { Inbox } from '@tidings/testkit/inbox'
import { rejection } from '@tidings/testkit/rejection'
import { connect, HttpError } from '../src/index.ts'
import { MemoryServer } from './harness/memory-server.ts'

async function connected(server: MemoryServer) {
  const client = await connect(server)
  defer(client, (client) => client.close())
  return client
}

test('a server in memory is connected to with its own fetch, whatever the options say', async () => {
  const server = new MemoryServer()
  const unused = () => Promise.reject(new Error('The wrong fetch'))
  const client = await connect({ url: new URL(server.url), fetch: server.fetch }, { fetch: unused })
  defer(client, (client) => client.close())
  expect(client.transport).toBe('streamable-http')
  expect(client.serverInfo).toEqual({ name: 'memory', version: '1' })
  await client.ping()
})

test('a call, its progress and a notification come over streams in memory', async () => {
  const server = new MemoryServer()
  const client = await connected(server)
  const changes = new Inbox<void>()
  client.on('notifications/tools/list_changed', () => changes.push())
  const progress: number[] = []
  const calling = client.callTool('water', undefined, { onProgress: (p) => progress.push(p.progress) })
  const { request, stream } = await server.calls.next()
  const progressToken = request.params!._meta!.progressToken
  stream.message({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
  stream.message({ id: request.id, result: { content: [{ type: 'text', text: 'done' }] } })
  expect(await calling).toEqual({ content: [{ type: 'text', text: 'done' }] })
  expect(progress).toEqual([1])
  const session = await server.streams.next()
  session.message({ method: 'notifications/tools/list_changed' })
  await changes.next()
})

test('a cancelled call aborts the signal of its fetch and cancels the body of its response', async () => {
  const server = new MemoryServer()
  const client = await connected(server)
  const abort = new AbortController()
  const calling = rejection(client.callTool('water', undefined, { signal: abort.signal }))
  const { stream, signal } = await server.calls.next()
  const reason = new Error('changed my mind')
  abort.abort(reason)
  expect(await calling).toBe(reason)
  await stream.cancelled
  expect(signal.aborted).toBe(true)
})

test('to close the client cancels its streams and ends its session', async () => {
  const server = new MemoryServer()
  const client = await connected(server)
  const session = await server.streams.next()
  await client.close()
  await session.cancelled
  expect(server.requests.at(-1)).toBe('DELETE http://memory/mcp')
})

test('a stream that ends is opened again with the same fetch', async () => {
  const server = new MemoryServer()
  const client = await connected(server)
  const states = new Inbox<string>()
  client.on('state', ({ state }) => states.push(state))
  const session = await server.streams.next()
  session.end()
  await states.next((state) => state === 'connected')
  expect(server.streams.all).toHaveLength(2)
})

test('each server in memory has its transport detected, even at the same URL', async () => {
  await connected(new MemoryServer())
  const other = new MemoryServer()
  await connected(other)
  expect(other.requests[0]).toBe('POST http://memory/mcp server/discover')
  const refusing = async () => new Response('Not here', { status: 404 })
  expect(await rejection(connect({ url: other.url, fetch: refusing }))).toBeInstanceOf(HttpError)
})
