import { randomBytes } from 'node:crypto'
import type { ChangeFollower, ChangeSnapshot } from '@tidings/server'
import type { Keys } from './keys.ts'
import type { RedisClient } from './redis-client.ts'
import { attachScript, snapshotScript } from './change-scripts.ts'

/** An entry of the log: a batch of changes, whose last has the number `seq`. */
interface LogEntry {
  readonly seq: number
  readonly batch: string
  readonly topics: readonly string[]
}

/** Tells the followers of this process what the log says. */
export class ChangeFeed {
  readonly #keys: Keys
  /** Followers, and up to where each has been told. */
  readonly #followers = new Map<ChangeFollower, number>()
  /** What was read while a new follower waited for its snapshot. */
  readonly #meanwhile = new Map<ChangeFollower, LogEntry[]>()
  #epoch = ''
  #seq = 0
  #batch = ''

  constructor(keys: Keys) {
    this.#keys = keys
  }

  get epoch(): string {
    return this.#epoch
  }

  /** The number of the last change that was read. */
  get seq(): number {
    return this.#seq
  }

  /** The id of the entry after which to read on. */
  get lastId(): string {
    return `${this.#seq}-0`
  }

  /**
   * Finds out on a new connection whether the order goes on where this process has read it, and takes the snapshot if not.
   *
   * @param isLost whether changes of this process were lost: the order then begins anew.
   * @returns true when the epoch is another.
   */
  async attach(client: RedisClient, isLost: boolean): Promise<boolean> {
    const former = this.#epoch
    const args = [newEpoch(), former, String(this.#seq), this.#batch, isLost ? '1' : '0']
    const { order, log, topics } = this.#keys
    const [, goesOn] = (await attachScript.run(client, [order, log, topics], args)) as [string, number]
    if (goesOn === 1) return false
    await this.#takeSnapshot(client)
    return former !== '' && this.#epoch !== former
  }

  async follow(follower: ChangeFollower, client: RedisClient): Promise<void> {
    // The reader has a connection of its own: it may be ahead of a snapshot that is still on its way.
    const meanwhile: LogEntry[] = []
    this.#meanwhile.set(follower, meanwhile)
    try {
      const snapshot = await this.#snapshot(client)
      if (this.#meanwhile.get(follower) !== meanwhile) return
      this.#resync(follower, snapshot)
      if (snapshot.epoch === this.#epoch) for (const entry of meanwhile) this.#tell(follower, entry)
    } finally {
      if (this.#meanwhile.get(follower) === meanwhile) this.#meanwhile.delete(follower)
    }
  }

  unfollow(follower: ChangeFollower): void {
    this.#followers.delete(follower)
    this.#meanwhile.delete(follower)
  }

  /** @returns false when entries before this one are missing: it has to attach again. */
  take(entry: LogEntry): boolean {
    if (entry.seq <= this.#seq) return true
    if (entry.seq - entry.topics.length > this.#seq) return false
    this.#seq = entry.seq
    this.#batch = entry.batch
    for (const entries of this.#meanwhile.values()) entries.push(entry)
    for (const follower of this.#followers.keys()) this.#tell(follower, entry)
    return true
  }

  #tell(follower: ChangeFollower, { seq, topics }: LogEntry): void {
    const told = this.#followers.get(follower)
    if (told === undefined || told >= seq) return
    const first = seq - topics.length
    for (let i = Math.max(0, told - first); i < topics.length; i++) {
      follower.changed(topics[i]!, first + i + 1)
    }
    if (this.#followers.has(follower)) this.#followers.set(follower, seq)
  }

  async #takeSnapshot(client: RedisClient): Promise<void> {
    const { batch, ...snapshot } = await this.#snapshot(client)
    this.#epoch = snapshot.epoch
    this.#seq = snapshot.seq
    this.#batch = batch
    for (const entries of this.#meanwhile.values()) entries.length = 0
    for (const follower of this.#followers.keys()) this.#resync(follower, snapshot)
  }

  #resync(follower: ChangeFollower, { epoch, seq, completeFrom, changes }: ChangeSnapshot): void {
    this.#followers.set(follower, seq)
    follower.resync({ epoch, seq, completeFrom, changes })
  }

  async #snapshot(client: RedisClient): Promise<ChangeSnapshot & { batch: string }> {
    const { order, topics, log } = this.#keys
    const reply = await snapshotScript.run(client, [order, topics, log], [])
    const [epoch, seq, floor, batch, flat] = reply as [string, string, string, string, string[]]
    const changes: [string, number][] = []
    for (let i = 0; i < flat.length; i += 2) changes.push([flat[i]!, Number(flat[i + 1])])
    return { epoch, seq: Number(seq), completeFrom: Number(floor), changes, batch }
  }
}

function newEpoch(): string {
  return randomBytes(9).toString('base64url')
}
