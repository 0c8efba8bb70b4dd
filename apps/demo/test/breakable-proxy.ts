import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A way to a server that can be broken in the middle, as networks are. */
export interface BreakableProxy {
  url: string
  /** Cuts every connection, and lets no new one through until it is mended. */
  break(): void
  mend(): void
  close(): Promise<void>
}

/** Opens a TCP proxy to the server at `url`. */
export async function openProxy(url: string): Promise<BreakableProxy> {
  const { hostname, port } = new URL(url)
  const sockets = new Set<Socket>()
  let isBroken = false
  const server = createServer((near) => {
    if (isBroken) return near.resetAndDestroy()
    const far = connect(Number(port), hostname)
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {}) // a cut is what it is for; 'close' follows
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
      socket.pipe(other)
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    break() {
      isBroken = true
      cut()
    },
    mend() {
      isBroken = false
    },
    async close() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}
