import { randomBytes } from 'node:crypto'
import { createClient } from '@redis/client'

/** What the nodes of the demo have in common. */
export interface SharedState {
  /** Adds one to a count, and gives it. */
  increase(name: string): number | Promise<number>
  /** A count: 0 before it was increased. */
  count(name: string): number | Promise<number>
  /** Keeps a text for all nodes. */
  set(name: string, text: string): void | Promise<void>
  get(name: string): string | undefined | Promise<string | undefined>
  /** True for the first node that tells of something that all nodes see, such as a file that was edited. */
  isFirst(sight: string): boolean | Promise<boolean>
  close(): void
}

/** The state of a demo that is one process. */
export class LocalState implements SharedState {
  readonly #counts = new Map<string, number>()
  readonly #texts = new Map<string, string>()

  increase(name: string): number {
    const count = this.count(name) + 1
    this.#counts.set(name, count)
    return count
  }

  count(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  set(name: string, text: string): void {
    this.#texts.set(name, text)
  }

  get(name: string): string | undefined {
    return this.#texts.get(name)
  }

  isFirst(): boolean {
    return true
  }

  close(): void {
    // Nothing is open.
  }
}

/** The time for which a sight is remembered, in milliseconds: all nodes have seen it by then. */
const sightMs = 60_000

/** The state of a demo of several nodes. */
export class RedisState implements SharedState {
  readonly #client: ReturnType<typeof createClient>
  readonly #node = randomBytes(6).toString('hex')

  private constructor(client: ReturnType<typeof createClient>) {
    this.#client = client
  }

  /** @param onError hears of each lost connection. The client connects again. */
  static async connect(url: string, onError: (error: Error) => void): Promise<RedisState> {
    const client = createClient({ url })
    client.on('error', onError)
    await client.connect()
    return new RedisState(client as ReturnType<typeof createClient>)
  }

  increase(name: string): Promise<number> {
    return this.#client.incr(keyOf(name))
  }

  async count(name: string): Promise<number> {
    return Number((await this.#client.get(keyOf(name))) ?? 0)
  }

  async set(name: string, text: string): Promise<void> {
    await this.#client.set(keyOf(name), text)
  }

  async get(name: string): Promise<string | undefined> {
    return (await this.#client.get(keyOf(name))) ?? undefined
  }

  async isFirst(sight: string): Promise<boolean> {
    const options = { condition: 'NX', expiration: { type: 'PX', value: sightMs } } as const
    return (await this.#client.set(keyOf(`sight:${sight}`), this.#node, options)) === 'OK'
  }

  close(): void {
    this.#client.destroy()
  }
}

function keyOf(name: string): string {
  return `tidings-demo:${name}`
}
