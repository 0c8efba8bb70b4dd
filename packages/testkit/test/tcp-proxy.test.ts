import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { defer } from '../src/disposers.ts'
import { TcpProxy } from '../src/tcp-proxy.ts'
import { until } from '../src/until.ts'

/** A server that keeps what arrives, by connection, and a proxy to it. */
async function network() {
  const accepted: { socket: Socket; text: string; chunks: number; ended: boolean; error?: string }[] = []
  const server = createServer((socket) => {
    const peer: (typeof accepted)[number] = { socket, text: '', chunks: 0, ended: false }
    accepted.push(peer)
    socket.on('data', (bytes: Buffer) => {
      peer.text += bytes.toString()
      peer.chunks++
    })
    socket.on('end', () => (peer.ended = true))
    socket.on('error', (error: NodeJS.ErrnoException) => (peer.error = error.code!))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy = await TcpProxy.to((server.address() as AddressInfo).port)
  const clients: Socket[] = []
  defer(server, async () => {
    for (const socket of [...clients, ...accepted.map(({ socket }) => socket)]) socket.destroy()
    await proxy.close()
    server.close()
    await once(server, 'close')
  })
  const dial = async () => {
    const socket = connect(proxy.port, '127.0.0.1')
    socket.on('error', () => {})
    clients.push(socket)
    await once(socket, 'connect')
    return socket
  }
  return { accepted, proxy, dial }
}

/** Resolves when the socket is closed: true when it broke. */
function closing(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => socket.once('close', resolve))
}

test('what is sent arrives, and so does the end', async () => {
  const { accepted, dial } = await network()
  const client = await dial()
  client.end('hello')
  await until(() => accepted[0]?.ended === true, 'the end has not arrived')
  expect(accepted[0]!.text).toBe('hello')
})

test('cut by a reset is an error to both sides, cut by a FIN an end', async () => {
  const { accepted, proxy, dial } = await network()
  const first = await dial()
  const reset = closing(first)
  await until(() => accepted.length === 1, 'the connection has not arrived')
  proxy.cut({ how: 'reset' })
  expect(await reset).toBe(true)
  await until(() => accepted[0]!.socket.destroyed, "the server's socket is still open")
  expect(accepted[0]!.error).toBe('ECONNRESET')

  const second = await dial()
  const ended = closing(second.resume())
  await until(() => accepted.length === 2, 'the second connection has not arrived')
  proxy.cut({ how: 'fin' })
  expect(await ended).toBe(false)
  await until(() => accepted[1]!.ended, 'the end has not arrived')
  await until(() => proxy.size === 0, 'a connection is left')
})

test('half-open, nothing arrives and nobody is told, also not after it is healed', async () => {
  const { accepted, proxy, dial } = await network()
  const client = await dial()
  client.write('before')
  await until(() => accepted[0]?.text === 'before', 'the first bytes have not arrived')
  proxy.goHalfOpen('up')
  client.write('lost')
  const told: string[] = []
  client.on('data', (bytes: Buffer) => told.push(bytes.toString()))
  accepted[0]!.socket.write('still told')
  await until(() => told.length > 0, 'the client has been told nothing')
  expect(told).toEqual(['still told'])

  proxy.heal()
  const other = await dial()
  other.write('new')
  client.end('lost too')
  await until(() => accepted[1]?.text === 'new', 'the bytes of the second connection have not arrived')
  expect(accepted[0]).toMatchObject({ text: 'before', ended: false })
})

test('one byte at a time', async () => {
  const { accepted, proxy, dial } = await network()
  proxy.writeOneByOne('up')
  const client = await dial()
  client.write('0123456789')
  await until(() => accepted[0]?.text.length === 10, 'not all bytes have arrived')
  expect(accepted[0]!.text).toBe('0123456789')
  expect(accepted[0]!.chunks).toBeGreaterThan(5)
})

test('what is delayed keeps its order, and arrives at once when the delay is over', async () => {
  const { accepted, proxy, dial } = await network()
  proxy.delay('up', 3_600_000)
  const client = await dial()
  client.write('a')
  client.write('b')
  await until(() => proxy.size === 1 && accepted.length === 1, 'the connection has not arrived')
  expect(accepted[0]!.text).toBe('')
  proxy.heal()
  await until(() => accepted[0]!.text === 'ab', 'the delayed bytes have not arrived')
})

test('stalled, the writer is held back, and loses nothing', async () => {
  const { accepted, proxy, dial } = await network()
  proxy.stall('up')
  const client = await dial()
  let written = 0
  const piece = Buffer.alloc(64 * 1024, 'x')
  while (client.write(piece, () => written++)) await new Promise(setImmediate)
  expect(accepted[0]?.text.length ?? 0).toBe(0)
  proxy.heal()
  await until(
    () => written > 0 && accepted[0]!.text.length === client.bytesWritten,
    'not all that was written has arrived',
  )
})

test('a connection that is held back reaches the server after one made later was answered', async () => {
  const { accepted, proxy, dial } = await network()
  proxy.holdNext()
  const first = await dial()
  first.write('first')
  const second = await dial()
  second.write('second')
  await until(() => accepted[0]?.text === 'second', 'the second connection has not arrived')
  expect(accepted).toHaveLength(1)
  accepted[0]!.socket.write('answer')
  await until(() => accepted[1]?.text === 'first', 'the connection held back has not arrived')
})

test('connections are refused until it is healed', async () => {
  const { accepted, proxy, dial } = await network()
  proxy.refuse()
  const client = connect(proxy.port, '127.0.0.1')
  client.on('error', () => {})
  expect(await closing(client)).toBe(true)
  proxy.heal()
  const other = await dial()
  other.write('welcome')
  await until(() => accepted[0]?.text === 'welcome', 'the bytes have not arrived')
})

test('connections are cut if the latest request on them is of the method', async () => {
  const { accepted, proxy, dial } = await network()
  const get = await dial()
  get.write('POST / HTTP/1.1')
  await until(() => accepted[0]?.text.length === 15, 'the first request has not arrived')
  get.write('GET / HTTP/1.1')
  const post = await dial()
  post.write('POST / HTTP/1.1')
  await until(
    () => accepted[0]?.text.length === 29 && accepted[1]?.text.length === 15,
    'a request is missing',
  )
  const closed = closing(get.resume())
  proxy.cut({ method: 'GET' })
  await closed
  post.write(' still there')
  await until(() => accepted[1]!.text.endsWith('still there'), 'the connection that was to stay is gone')
})

test('down, no connection lasts and none is made until it is healed', async () => {
  const { accepted, proxy, dial } = await network()
  const first = await dial()
  await until(() => accepted.length === 1, 'the connection has not arrived')
  const closed = closing(first.resume())
  proxy.goDown()
  expect(await closed).toBe(false)
  const client = connect(proxy.port, '127.0.0.1')
  client.on('error', () => {})
  expect(await closing(client)).toBe(true)
  proxy.heal()
  const other = await dial()
  other.write('welcome')
  await until(() => accepted[1]?.text === 'welcome', 'the bytes have not arrived')
})
