import { randomBytes } from 'node:crypto'
import type { Backplane, ChangeFollower, ChangeSnapshot, BackplaneNode } from './backplane.ts'

/** The number of topics that are remembered for later followers. */
const maxRemembered = 10_000

/**
 * The backplane of one process, and the default. Servers that share one serve each other's sessions, and tell each other's
 * changes.
 */
export class MemoryBackplane implements Backplane {
  readonly #epoch = randomBytes(6).toString('base64url')
  #seq = 0
  #completeFrom = 0
  #latest = new Map<string, number>()
  // Replaced, never changed: a change goes to the followers of the time when it was published.
  #followers: readonly ChangeFollower[] = []
  /** Topics that were published while another change was being told. */
  readonly #next: string[] = []
  #telling = false
  readonly #members = new Map<string, BackplaneNode>()
  readonly #homes = new Map<string, string>()

  // Not async: a follower in the same process has its snapshot at once.
  follow(follower: ChangeFollower): Promise<void> {
    this.unfollow(follower)
    this.#followers = [...this.#followers, follower]
    follower.resync(this.#snapshot())
    return Promise.resolve()
  }

  unfollow(follower: ChangeFollower): void {
    this.#followers = this.#followers.filter((each) => each !== follower)
  }

  publish(topic: string): void {
    if (this.#telling) {
      this.#next.push(topic)
      return
    }
    this.#telling = true
    try {
      this.#tell(topic)
      while (this.#next.length > 0) this.#tell(this.#next.shift()!)
    } finally {
      this.#telling = false
    }
  }

  join(member: BackplaneNode): Promise<void> {
    this.#members.set(member.node, member)
    return Promise.resolve()
  }

  leave(node: string): Promise<void> {
    if (!this.#members.delete(node)) return Promise.resolve()
    for (const [session, home] of this.#homes) if (home === node) this.#homes.delete(session)
    // After the mail that is under way.
    queueMicrotask(() => {
      for (const member of this.#members.values()) member.gone(node)
    })
    return Promise.resolve()
  }

  claim(session: string, node: string): Promise<string> {
    const home = this.#homes.get(session)
    if (home !== undefined) return Promise.resolve(home)
    this.#homes.set(session, node)
    return Promise.resolve(node)
  }

  release(session: string, node: string): void {
    if (this.#homes.get(session) === node) this.#homes.delete(session)
  }

  locate(session: string): Promise<string | undefined> {
    return Promise.resolve(this.#homes.get(session))
  }

  send(from: string, to: string, mail: Uint8Array): Promise<void> {
    if (!this.#members.has(to)) return Promise.reject(new Error(`There is no node ${to} (any more)`))
    queueMicrotask(() => this.#members.get(to)?.receive(from, mail))
    return Promise.resolve()
  }

  #tell(topic: string): void {
    const seq = ++this.#seq
    this.#latest.set(topic, seq)
    if (this.#latest.size > 2 * maxRemembered) this.#forget()
    const followers = this.#followers
    for (let i = 0; i < followers.length; i++) followers[i]!.changed(topic, seq)
  }

  #snapshot(): ChangeSnapshot {
    this.#forget()
    const changes = [...this.#latest].sort(([, a], [, b]) => a - b)
    return { epoch: this.#epoch, seq: this.#seq, completeFrom: this.#completeFrom, changes }
  }

  /** Keeps the newest changes, in order. Runs seldom, so that publishing stays cheap. */
  #forget(): void {
    if (this.#latest.size <= maxRemembered) return
    const changes = [...this.#latest].sort(([, a], [, b]) => a - b)
    this.#completeFrom = changes.at(-maxRemembered - 1)![1]
    this.#latest = new Map(changes.slice(-maxRemembered))
  }
}
