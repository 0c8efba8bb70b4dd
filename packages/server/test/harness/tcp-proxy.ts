import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { defer } from './harness.ts'

/** A network between a client and a server, that can be cut. */
export class TcpProxy {
  /** Refuses connections while false. */
  up = true
  /** Where connections lead. */
  port: number
  readonly #server: Server
  /** By connection: the start of its latest request, such as `GET /sse`. */
  readonly #connections = new Map<Socket, string>()

  private constructor(port: number) {
    this.port = port
    this.#server = createServer((socket) => this.#connected(socket))
  }

  /** A proxy to a port of this machine, closed after the test. */
  static async to(port: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(port)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return defer(proxy, () => proxy.#close())
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Cuts the connections whose latest request is of this method; all by default. */
  cut(method = ''): void {
    for (const [socket, latest] of this.#connections) if (latest.startsWith(method)) socket.destroy()
  }

  /** Cuts all, and lets none through until {@link goUp}. */
  goDown(): void {
    this.up = false
    this.cut()
  }

  goUp(): void {
    this.up = true
  }

  #connected(near: Socket): void {
    if (!this.up) return void near.destroy()
    const far = connect(this.port, '127.0.0.1')
    this.#connections.set(near, '')
    near.on('data', (bytes: Buffer) => {
      const start = bytes.subarray(0, 8).toString('latin1')
      if (/^(GET|POST|DELETE) /.test(start)) this.#connections.set(near, start)
    })
    near.pipe(far).pipe(near)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => {})
      one.once('close', () => {
        other.destroy()
        this.#connections.delete(near)
      })
    }
  }

  async #close(): Promise<void> {
    this.#server.close()
    this.cut()
    await once(this.#server, 'close')
  }
}
