import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** The network between a client and a server: a TCP proxy, that can be cut. */
export interface Network {
  url: string
  /** Destroys every connection, and lets no new one through until it is mended. */
  cut(): void
  mend(): void
  close(): Promise<void>
}

/** Opens a network to a port of this machine. */
export async function openNetwork(port: number): Promise<Network> {
  const sockets = new Set<Socket>()
  let isCut = false
  const destroyAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  const proxy = createServer({ noDelay: true }, (near) => {
    if (isCut) return near.destroy()
    const far = connect({ port, host: '127.0.0.1', noDelay: true })
    near.pipe(far).pipe(near)
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {}) // 'close' follows
      socket.once('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    cut() {
      isCut = true
      destroyAll()
    },
    mend() {
      isCut = false
    },
    async close() {
      proxy.close()
      destroyAll()
      await once(proxy, 'close')
    },
  }
}
