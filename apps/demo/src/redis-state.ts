import { setTimeout } from 'node:timers/promises'
import { createClient } from '@redis/client'
import type { SharedState } from './shared-state.ts'

// How long it is remembered which node was the first, in milliseconds: all nodes have asked by then.
const rememberMs = 60_000
// The time that a node has to tell of a change before another one does, in milliseconds.
const tellingMs = 2_000
// A command that could not be sent for this long fails, in milliseconds: commands do not pile up without Redis.
const commandMs = 3_000

/** The state of a demo of several nodes. */
export class RedisState implements SharedState {
  readonly #client: ReturnType<typeof connectionTo>
  #isClosed = false

  private constructor(client: ReturnType<typeof connectionTo>) {
    this.#client = client
  }

  /** @param onError hears of each lost connection. The client connects again. */
  static async connect(url: string, onError: (error: Error) => void): Promise<RedisState> {
    const client = connectionTo(url)
    client.on('error', onError)
    await client.connect()
    return new RedisState(client)
  }

  increase(name: string, by: number): Promise<number> {
    return this.#client.incrBy(keyOf(name), by)
  }

  async count(name: string): Promise<number> {
    return Number((await this.get(name)) ?? 0)
  }

  async set(name: string, text: string): Promise<void> {
    await this.#client.set(keyOf(name), text)
  }

  async setIfMissing(name: string, text: string): Promise<string> {
    await this.#client.set(keyOf(name), text, { condition: 'NX' })
    return (await this.get(name)) ?? text
  }

  async get(name: string): Promise<string | undefined> {
    return (await this.#client.get(keyOf(name))) ?? undefined
  }

  async isFirst(thing: string): Promise<boolean> {
    return this.#claim(keyOf(`first:${thing}`), rememberMs)
  }

  async tellOnce(change: string, tell: () => void): Promise<void> {
    const key = keyOf(`told:${change}`)
    while (!this.#isClosed) {
      if (await this.#claim(key, tellingMs)) {
        tell()
        // What is told leaves this process after this turn. A node that dies before leaves it to the others.
        await setTimeout(tellingMs / 2, undefined, { ref: false })
        if (!this.#isClosed) await this.#client.set(key, 'told', { expiration: expiry(rememberMs) })
        return
      }
      if ((await this.#client.get(key)) === 'told') return
      await setTimeout(tellingMs, undefined, { ref: false })
    }
  }

  close(): void {
    this.#isClosed = true
    this.#client.destroy()
  }

  async #claim(key: string, ms: number): Promise<boolean> {
    return (await this.#client.set(key, 'claimed', { condition: 'NX', expiration: expiry(ms) })) === 'OK'
  }
}

function connectionTo(url: string) {
  return createClient({
    url,
    commandOptions: { timeout: commandMs },
    // A connection that is open but dead is found.
    pingInterval: commandMs / 3,
    socket: { socketTimeout: commandMs },
  })
}

function expiry(value: number) {
  return { type: 'PX', value } as const
}

function keyOf(name: string): string {
  return `tidings-demo:${name}`
}
