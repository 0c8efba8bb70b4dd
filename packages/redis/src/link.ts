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
  /** Called when Redis answers with an error. */
  refused?(reason: Error): void
}

/** An answer that somebody waits for. */
interface Pending {
  /** By `performance.now()`. */
  readonly lateAt: number
  readonly reject: (reason: Error) => void
}

/** One connection to Redis. When it is lost, or does not answer, another takes its place. */
export class Link {
  readonly #options: LinkOptions
  #client: RedisClient | undefined
  #isUp = false
  #closed = false
  readonly #waiting = new Set<() => void>()
  /** All of the present connection, the oldest first: that is the first to be late. */
  readonly #pending = new Set<Pending>()
  #timer: NodeJS.Timeout | undefined

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
   * Does something as soon as there is a connection, and again when that is lost meanwhile.
   *
   * @throws what it throws, unless it is a `NoConnectionError`.
   * @throws {NoConnectionError} once the link is closed.
   */
  async untilDone<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      while (!this.#isUp && !this.#closed) {
        await new Promise<void>((resolve) => this.#waiting.add(resolve))
      }
      if (this.#closed) throw new NoConnectionError('The backplane is closed')
      try {
        return await work()
      } catch (err) {
        if (!(err instanceof NoConnectionError)) throw err
      }
    }
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

  /** One timer for all: a timer for each command costs more than the command's own promise. */
  #answered<T>(client: RedisClient, answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const pending = { lateAt: performance.now() + answerWithinMs, reject }
      this.#pending.add(pending)
      this.#timer ??= setTimeout(this.#look, answerWithinMs).unref()
      answer.then(
        (value) => {
          this.#pending.delete(pending)
          resolve(value)
        },
        (err: Error) => {
          this.#pending.delete(pending)
          if (this.#client !== client) return reject(lostWith(err))
          this.#options.refused?.(err)
          reject(err)
        },
      )
    })
  }

  readonly #look = (): void => {
    this.#timer = undefined
    // What has arrived while this process stood still is read first.
    setImmediate(() => {
      const [oldest] = this.#pending
      if (oldest === undefined || this.#timer !== undefined) return
      const leftMs = oldest.lateAt - performance.now()
      if (leftMs > 0) this.#timer = setTimeout(this.#look, leftMs).unref()
      else this.restart(new NoConnectionError(`Redis has not answered within ${answerWithinMs} ms`))
    })
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
      const connecting = client.connect()
      // A client of a cluster that was given up meanwhile goes on, and connects to its members.
      const settled = () => this.#client !== client && destroy(client)
      connecting.then(settled, settled)
      await this.#answered(client, connecting)
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
    destroy(client)
    const pending = [...this.#pending]
    this.#pending.clear()
    for (const { reject } of pending) reject(lostWith(reason))
    this.#options.lost(reason)
    if (!this.#closed) void this.#connect(attempt + 1)
  }

  #settle(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const goOn of waiting) goOn()
  }
}

/** It may be closed already. */
function destroy(client: RedisClient): void {
  new Promise((resolve) => resolve(client.destroy())).catch(() => {})
}

function lostWith(reason: Error): NoConnectionError {
  if (reason instanceof NoConnectionError) return reason
  return new NoConnectionError('The connection to Redis is lost', { cause: reason })
}
