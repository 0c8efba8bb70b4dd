import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Gives each connection to another of the ports, as a balancer without stickiness does. */
export class Balancer {
  /** The ports of the nodes. May change, for connections to come. */
  targets: readonly number[]
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #next = 0

  private constructor(targets: readonly number[]) {
    this.targets = targets
    this.#server = createServer({ noDelay: true }, (near) => this.#pass(near, this.targets.length))
  }

  /** @param targets the ports of the nodes. */
  static async start(targets: readonly number[] = []): Promise<Balancer> {
    const balancer = new Balancer(targets)
    balancer.#server.listen(0, '127.0.0.1')
    await once(balancer.#server, 'listening')
    return balancer
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Ends all connections, so that each client comes to another node. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Ends all connections, and takes none any more. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.cut()
    await closed
  }

  #pass(near: Socket, attempts: number): void {
    const port = this.targets[this.#next++ % this.targets.length]
    if (port === undefined || attempts === 0) return void near.destroy()
    const far = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#sockets.add(near).add(far)
    near.once('close', () => {
      this.#sockets.delete(near)
      far.destroy()
    })
    near.on('error', () => {})
    let isConnected = false
    far.once('connect', () => {
      isConnected = true
      near.pipe(far).pipe(near)
    })
    far.on('error', () => {})
    far.once('close', () => {
      this.#sockets.delete(far)
      if (isConnected || near.destroyed) near.destroy()
      else this.#pass(near, attempts - 1)
    })
  }
}
