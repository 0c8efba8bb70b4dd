import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { type DirectionFaults, FaultyPipe } from './faulty-pipe.ts'
import { reset } from './reset.ts'

/** Which way bytes go. */
export type Direction = 'up' | 'down'

/** Towards the server, towards the client, or both. */
export type Directions = Direction | 'both'

/** How a connection ends: by a FIN as one who is done would end it, or by a reset. */
export type Ending = 'fin' | 'reset'

interface Link {
  near: Socket
  far: Socket
  pipes: Record<Direction, FaultyPipe>
  /** The start of the latest HTTP request, such as `GET /sse`. */
  request: string
}

/**
 * A bad network between a client and a server, over real sockets. What is wrong is said by its methods, and stays so
 * until {@link heal}; nothing happens by chance.
 */
export class TcpProxy {
  /** The port of the server. May change, for connections to come. */
  target: number
  readonly #server: Server
  readonly #links = new Set<Link>()
  readonly #faults: Record<Direction, DirectionFaults> = { up: noFaults(), down: noFaults() }
  readonly #silent = new Set<Direction>()
  #refusing = false
  /** Whether the next connection is to be held back. */
  #holdNext = false
  readonly #held = new Set<Socket>()

  private constructor(target: number) {
    this.target = target
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => this.#accept(near))
  }

  /** A proxy to a port of this machine, on a free port. */
  static async to(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  /** Such as `http://127.0.0.1:20000`. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** How many connections there are, those held back included. */
  get size(): number {
    return this.#links.size + this.#held.size
  }

  /**
   * Ends connections on both sides.
   *
   * @param method only those whose latest HTTP request is of this method; by default all.
   */
  cut({ how = 'fin', method }: { how?: Ending; method?: 'GET' | 'POST' | 'DELETE' } = {}): void {
    for (const { near, far, request } of this.#links) {
      if (method !== undefined && !request.startsWith(method)) continue
      end(near, how)
      end(far, how)
    }
    if (method === undefined) for (const near of this.#held) end(near, how)
  }

  /** Cuts every connection, and lets none through until {@link heal}. */
  goDown(how?: Ending): void {
    this.refuse()
    this.cut(how && { how })
  }

  /**
   * Makes every connection half-open: bytes are taken and never arrive, the end of one side is not told to the other.
   * So is each that is made until {@link heal}; those that are half-open remain so after it.
   */
  goHalfOpen(directions: Directions): void {
    for (const direction of both(directions)) {
      this.#silent.add(direction)
      for (const { pipes } of this.#links) pipes[direction].goSilent()
    }
  }

  /** Has every chunk be under way for so long. */
  delay(directions: Directions, delayMs: number): void {
    this.#change(directions, { delayMs })
  }

  /** Has every byte written by itself. */
  writeOneByOne(directions: Directions): void {
    this.#change(directions, { oneByteWrites: true })
  }

  /** Takes no more bytes from the one who sends in this direction, so that its socket fills up. */
  stall(directions: Directions): void {
    this.#change(directions, { stalled: true })
  }

  /** Resets connections as they are made. */
  refuse(): void {
    this.#refusing = true
  }

  /** Holds the next connection back until one made after it has been answered: so the two reach the server reordered. */
  holdNext(): void {
    this.#holdNext = true
  }

  /** Nothing is wrong with the network any more: what was delayed, stalled or held back arrives now. */
  heal(): void {
    this.#refusing = this.#holdNext = false
    this.#silent.clear()
    this.#change('both', noFaults())
    this.#letGo()
  }

  /** Ends it, with all connections. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const { near, far } of this.#links) for (const socket of [near, far]) socket.destroy()
    for (const near of this.#held) near.destroy()
    await closed
  }

  #change(directions: Directions, faults: Partial<DirectionFaults>): void {
    for (const direction of both(directions)) {
      Object.assign(this.#faults[direction], faults)
      for (const { pipes } of this.#links) pipes[direction].changed()
    }
  }

  #accept(near: Socket): void {
    near.on('error', nothing)
    if (this.#refusing) return void reset(near)
    if (!this.#holdNext) return this.#connect(near)
    this.#holdNext = false
    this.#held.add(near)
    near.once('close', () => this.#held.delete(near))
  }

  #letGo(): void {
    for (const near of this.#held) {
      this.#held.delete(near)
      if (!near.destroyed) this.#connect(near)
    }
  }

  #connect(near: Socket): void {
    const far = connect({ port: this.target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    far.on('error', nothing)
    const pipes = {
      up: new FaultyPipe(near, far, this.#faults.up),
      down: new FaultyPipe(far, near, this.#faults.down),
    }
    const link = { near, far, pipes, request: '' }
    this.#links.add(link)
    near.on('data', (bytes: Buffer) => {
      const start = bytes.toString('latin1', 0, 8)
      if (/^(GET|POST|DELETE) /.test(start)) link.request = start
    })
    for (const direction of this.#silent) pipes[direction].goSilent()
    far.once('data', () => this.#letGo())
    far.once('close', (broken) => this.#ended(link, pipes.down, near, broken))
    near.once('close', (broken) => this.#ended(link, pipes.up, far, broken))
  }

  #ended(link: Link, pipe: FaultyPipe, other: Socket, broken: boolean): void {
    if (link.near.destroyed && link.far.destroyed) this.#links.delete(link)
    // A FIN goes by the pipe, behind the bytes that are under way.
    if (broken && !pipe.silent) reset(other)
  }
}

const nothing = () => {}

function noFaults(): DirectionFaults {
  return { delayMs: 0, oneByteWrites: false, stalled: false }
}

function both(directions: Directions): readonly Direction[] {
  return directions === 'both' ? ['up', 'down'] : [directions]
}

function end(socket: Socket, how: Ending): void {
  if (how === 'reset') reset(socket)
  else socket.destroySoon()
}
