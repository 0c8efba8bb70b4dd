import { RedisBackplane } from '@tidings/redis'
import type { ChangeFollower, ChangeSnapshot } from '@tidings/server'
import type { History } from './history.ts'

/** The latest change of a topic. */
export interface LatestChange {
  readonly seq: number
  /** The change was announced at this time or before, by `performance.now()`. */
  readonly announcedBy: number
}

const nothing = () => {}

/** What is in the order of changes: it follows Redis itself, by a way without faults. */
export class ChangeLog implements ChangeFollower {
  epoch = ''
  /** How often the order has begun anew. */
  begunAnew = -1
  readonly latest = new Map<string, LatestChange>()
  readonly #backplane: RedisBackplane
  readonly #history: History
  readonly #announcedAt = new Map<string, number>()

  private constructor(backplane: RedisBackplane, history: History) {
    this.#history = history
    this.#backplane = backplane
  }

  static async begin(url: string, leaseMs: number, history: History): Promise<ChangeLog> {
    const logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
    const backplane = new RedisBackplane({ url }, { leaseMs, logger })
    const log = new ChangeLog(backplane, history)
    await backplane.follow(log)
    return log
  }

  /** A change is about to be announced. */
  announcing(topic: string): void {
    this.#announcedAt.set(topic, performance.now())
  }

  resync({ epoch, changes }: ChangeSnapshot): void {
    if (epoch !== this.epoch) {
      this.begunAnew++
      this.latest.clear()
    }
    this.epoch = epoch
    for (const [topic, seq] of changes) this.changed(topic, seq)
  }

  changed(topic: string, seq: number): void {
    if (this.latest.get(topic)?.seq === seq) return
    this.#history.add('log', `${topic} at ${this.epoch}.${seq}`)
    this.latest.set(topic, { seq, announcedBy: this.#announcedAt.get(topic) ?? 0 })
  }

  close(): Promise<void> {
    return this.#backplane.close()
  }
}
