import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { FaultProxy } from '../src/fault-proxy.ts'

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
  const proxy = await FaultProxy.to((server.address() as AddressInfo).port)
  const clients: Socket[] = []
  disposers.push(async () => {
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

const disposers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const dispose of disposers.splice(0)) await dispose()
})

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}

test('what is sent arrives, and so does the end', async () => {
  const { accepted, dial } = await network()
  const client = await dial()
  client.end('hello')
  await until(() => accepted[0]?.ended === true)
  expect(accepted[0]!.text).toBe('hello')
})

test('cut by a reset is an error to both sides, cut by a FIN an end', async () => {
  const { accepted, proxy, dial } = await network()
  const first = await dial()
  const reset = closing(first)
  await until(() => accepted.length === 1)
  proxy.cut('reset')
  expect(await reset).toBe(true)
  await until(() => accepted[0]!.socket.destroyed)
  expect(accepted[0]!.error).toBe('ECONNRESET')

  const second = await dial()
  const ended = closing(second.resume())
  await until(() => accepted.length === 2)
  proxy.cut('fin')
  expect(await ended).toBe(false)
  await until(() => accepted[1]!.ended)
  await until(() => proxy.size === 0)
})

test('half-open, nothing arrives and nobody is told, also not after it is healed', async () => {
  const { accepted, proxy, dial } = await network()
  const client = await dial()
  client.write('before')
  await until(() => accepted[0]?.text === 'before')
  proxy.goHalfOpen('up')
  client.write('lost')
  const told: string[] = []
  client.on('data', (bytes: Buffer) => told.push(bytes.toString()))
  accepted[0]!.socket.write('still told')
  await until(() => told.length > 0)
  expect(told).toEqual(['still told'])

  proxy.heal()
  const other = await dial()
  other.write('new')
  client.end('lost too')
  await until(() => accepted[1]?.text === 'new')
  expect(accepted[0]).toMatchObject({ text: 'before', ended: false })
})

test('one byte at a time', async () => {
  const { accepted, proxy, dial } = await network()
  proxy.writeOneByOne('up')
  const client = await dial()
  client.write('0123456789')
  await until(() => accepted[0]?.text.length === 10)
  expect(accepted[0]!.text).toBe('0123456789')
  expect(accepted[0]!.chunks).toBeGreaterThan(5)
})

test('what is delayed keeps its order, and arrives at once when the delay is over', async () => {
  const { accepted, proxy, dial } = await network()
  proxy.delay('up', 3_600_000)
  const client = await dial()
  client.write('a')
  client.write('b')
  await until(() => proxy.size === 1 && accepted.length === 1)
  expect(accepted[0]!.text).toBe('')
  proxy.heal()
  await until(() => accepted[0]!.text === 'ab')
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
  await until(() => written > 0 && accepted[0]!.text.length === client.bytesWritten)
})

test('a connection that is held back reaches the server after one made later was answered', async () => {
  const { accepted, proxy, dial } = await network()
  proxy.holdNext()
  const first = await dial()
  first.write('first')
  const second = await dial()
  second.write('second')
  await until(() => accepted[0]?.text === 'second')
  expect(accepted).toHaveLength(1)
  accepted[0]!.socket.write('answer')
  await until(() => accepted[1]?.text === 'first')
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
  await until(() => accepted[0]?.text === 'welcome')
})
