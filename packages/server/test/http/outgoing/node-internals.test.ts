import { once } from 'node:events'
import { createServer, ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { createRequire } from 'node:module'
import Koa from 'koa'
import {
  bytesTaken,
  handleKoaError,
  handleOf,
  UnwatchedResponse,
} from '../../../src/http/outgoing/node-internals.ts'
import { defer } from '@tidings/testkit/disposers'

// When one of these fails, a new version of Node or of a library has moved what we reach into.

test('Node tells below a socket how many bytes the system has taken', async () => {
  const server = defer(createServer(), (server) => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const connected = once(server, 'connection')
  const client = defer(connect((server.address() as AddressInfo).port, '127.0.0.1'), (socket) =>
    socket.destroy(),
  )
  const [socket] = (await connected) as [Socket]
  defer(socket, (socket) => socket.destroy())
  expect(handleOf(socket)).toBeDefined()
  client.pause()
  socket.write(Buffer.alloc(50_000_000))
  const waiting = () => handleOf(socket)!.writeQueueSize
  expect(waiting()).toBeGreaterThan(0)
  // A part of one write was taken, which `writableLength` does not tell.
  expect(bytesTaken(socket)).toBe(50_000_000 - waiting())
  expect(socket.writableLength).toBe(50_000_000)
})

test('on-finished does not watch a response that is kept from it', () => {
  // The copy that Koa has.
  const require = createRequire(createRequire(import.meta.url).resolve('koa'))
  const onFinished = require('on-finished') as (response: unknown, listener: () => void) => void
  const watched = new ServerResponse({ method: 'GET' } as never)
  onFinished(watched, () => {})
  const added = watched.listenerCount('finish') + watched.listenerCount('socket')
  expect(added).toBeGreaterThan(0)
  const unwatched = new UnwatchedResponse({ method: 'GET' } as never)
  onFinished(unwatched, () => {})
  expect(unwatched.listenerCount('finish') + unwatched.listenerCount('socket')).toBe(0)
})

test("Koa's error handler is on the prototype of the context", () => {
  const app = new Koa()
  const errors: Error[] = []
  app.on('error', (error: Error) => errors.push(error))
  const response = new ServerResponse({ method: 'GET' } as never)
  const context = app.createContext({ headers: {}, url: '/' } as never, response)
  context.onerror = () => {}
  handleKoaError(context, new Error('no'))
  expect(errors.map(({ message }) => message)).toEqual(['no'])
  expect(response.statusCode).toBe(500)
})
