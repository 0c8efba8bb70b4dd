import { setTimeout as wait } from 'node:timers/promises'
import type { RedisClient } from './redis-client.ts'

/** The time that a connection, or the answer to a command, may take. */
export const answerWithinMs = 2_000
const firstPauseMs = 20
const longestPauseMs = 1_000

/** The connection to Redis is lost, or there is none. */
export class NoConnectionError extends Error {
  override readonly name = 'NoConnectionError'
}

interface LinkOptions {
  /** Makes a client that is not connected. */
  create(): RedisClient
  /** Called with each new connection, before anybody else can use it. The connection is given up when it rejects. */
  begin(client: RedisClient): Promise<void>
  /** Called when everybody can use the connection. */
  up?(): void
  /** Called with the reason when the connection is lost, or none can be made. */
  lost(reason: Error): void
}

/** One connection to Redis. When it is lost, or does not answer, another takes its place. */
export class Link {
  readonly #options: LinkOptions
  #client: RedisClient | undefined
  #isUp = false
  #closed = false
  readonly #waiting = new Set<() => void>()

  constructor(options: LinkOptions) {
    this.#options = options
    void this.#connect(0)
  }

  /** @throws {NoConnectionError} when there is none now. */
  get client(): RedisClient {
    if (!this.#isUp) throw new NoConnectionError('There is no connection to Redis')
    return this.#client!
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** Resolves when there is a connection, or none is wanted any more. */
  async whenUp(): Promise<void> {
    while (!this.#isUp && !this.#closed) await new Promise<void>((resolve) => this.#waiting.add(resolve))
  }

  /**
   * Waits for the answer to a command.
   *
   * @throws {NoConnectionError} when there is no connection, or no answer in time.
   */
  async ask<T>(command: (client: RedisClient) => Promise<T>): Promise<T> {
    const { client } = this
    return this.#answered(client, command(client))
  }

  /**
   * Gives a connection up, and makes another. Nothing happens when another has taken its place already.
   *
   * @param client default: the present one.
   */
  restart(reason: Error, client = this.#client): void {
    if (client !== undefined) this.#drop(client, reason)
  }

  close(): void {
    this.#closed = true
    if (this.#client !== undefined) this.#drop(this.#client, new NoConnectionError('The backplane is closed'))
    this.#settle()
  }

  async #answered<T>(client: RedisClient, answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new NoConnectionError(`Redis has not answered within ${answerWithinMs} ms`)
        reject(error)
        this.#drop(client, error)
      }, answerWithinMs)
    })
    try {
      return await Promise.race([answer, late])
    } finally {
      clearTimeout(timer)
    }
  }

  async #connect(attempt: number): Promise<void> {
    if (attempt > 0) {
      await wait(
        Math.min(firstPauseMs * 2 ** Math.min(attempt, 10), longestPauseMs) * (0.5 + Math.random() / 2),
      )
    }
    if (this.#closed) return
    const client = this.#options.create()
    this.#client = client
    let failures = attempt
    // An error of a connection ends it.
    client.on('error', (error) => this.#drop(client, error, failures))
    try {
      await this.#answered(client, client.connect())
      await this.#answered(client, this.#options.begin(client))
    } catch (error) {
      return this.#drop(client, error as Error, attempt)
    }
    if (this.#client !== client) return
    failures = 0
    this.#isUp = true
    this.#options.up?.()
    this.#settle()
  }

  #drop(client: RedisClient, reason: Error, attempt = 0): void {
    if (this.#client !== client) return
    this.#client = undefined
    this.#isUp = false
    try {
      client.destroy()
    } catch {
      // It was closed already.
    }
    this.#options.lost(reason)
    if (!this.#closed) void this.#connect(attempt + 1)
  }

  #settle(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const goOn of waiting) goOn()
  }
}
