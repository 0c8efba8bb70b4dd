import { connect, createServer, type Server, type Socket } from 'node:net'

/** Gives each connection to another of the ports: a balancer that knows nothing of HTTP, and keeps no client to a node. */
export class Balancer {
  /** The ports of the nodes that run. */
  ports: number[] = []
  readonly server: Server
  #next = 0

  constructor() {
    this.server = createServer({ noDelay: true }, (near) => this.#pass(near, this.ports.length))
  }

  /** @param attempts the number of nodes that are tried. */
  #pass(near: Socket, attempts: number): void {
    near.on('error', () => near.destroy())
    const port = this.ports[this.#next++ % this.ports.length]
    if (port === undefined || attempts === 0) return void near.destroy()
    const far = connect({ port, host: '127.0.0.1', noDelay: true })
    let isConnected = false
    far.once('connect', () => {
      isConnected = true
      near.pipe(far).pipe(near)
    })
    far.on('error', () => far.destroy())
    far.once('close', () => {
      if (isConnected || near.destroyed) near.destroy()
      else this.#pass(near, attempts - 1)
    })
    near.once('close', () => far.destroy())
  }
}
