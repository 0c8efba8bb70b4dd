import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Gives each connection to another of the ports, and tries the next where nobody takes it. */
export class Balancer {
  readonly #ports: readonly number[]
  readonly #server = createServer({ noDelay: true }, (near) => this.#pass(near, this.#ports.length))
  #next = 0

  constructor(ports: readonly number[]) {
    this.#ports = ports
  }

  /** Gives the port of the balancer. */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  /** Ends when its connections have ended. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  #pass(near: Socket, attempts: number): void {
    if (attempts === 0) return void near.destroy()
    const far = connect({
      port: this.#ports[this.#next++ % this.#ports.length]!,
      host: '127.0.0.1',
      noDelay: true,
    })
    let isConnected = false
    near.on('error', () => near.destroy()).once('close', () => far.destroy())
    far.once('connect', () => {
      isConnected = true
      near.pipe(far).pipe(near)
    })
    far.on('error', () => far.destroy())
    far.once('close', () => {
      if (isConnected || near.destroyed) near.destroy()
      else this.#pass(near, attempts - 1)
    })
  }
}
