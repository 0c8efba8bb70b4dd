import { randomBytes, randomInt } from 'node:crypto'
import type {
  Backplane,
  BackplaneHealth,
  BackplaneNode,
  ChangeFollower,
  ChangeSnapshot,
  SessionPlace,
} from './backplane.ts'

/** The number of topics that are remembered for later followers. */
const maxRemembered = 10_000

/** What is known of a session. */
interface Entry {
  home: string | undefined
  record: string | undefined
  readonly keepMs: number
  /** While the session has no home. */
  expiry?: NodeJS.Timeout | undefined
}

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
  readonly #retired = new Set<string>()
  readonly #sessions = new Map<string, Entry>()

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
    this.#retired.delete(node)
    if (!this.#members.delete(node)) return Promise.resolve()
    for (const [session, entry] of this.#sessions) if (entry.home === node) this.#leaveAlone(session, entry)
    // After the mail that is under way.
    queueMicrotask(() => {
      for (const member of this.#members.values()) member.gone(node)
    })
    return Promise.resolve()
  }

  retire(node: string): void {
    this.#retired.add(node)
  }

  nodes(): readonly string[] {
    return [...this.#members.keys()]
  }

  get health(): BackplaneHealth {
    return { status: 'connected', nodes: this.#members.size }
  }

  /** One process is alive or dead as a whole. */
  certain(): undefined {
    return undefined
  }

  claim(session: string, node: string, keepMs: number, record?: string): Promise<SessionPlace> {
    let entry = this.#sessions.get(session)
    if (entry === undefined) {
      entry = { home: node, record, keepMs }
      this.#sessions.set(session, entry)
    }
    const place = this.#settle(entry, node)
    if (entry.home === node) entry.record ??= record
    return Promise.resolve(place)
  }

  adopt(session: string, node: string): Promise<SessionPlace | undefined> {
    const entry = this.#sessions.get(session)
    return Promise.resolve(entry && this.#settle(entry, node))
  }

  save(session: string, node: string, record: string): Promise<boolean> {
    const entry = this.#sessions.get(session)
    if (entry?.home !== node) return Promise.resolve(false)
    entry.record = record
    return Promise.resolve(true)
  }

  handOver(session: string, node: string, record: string): Promise<string | undefined> {
    const entry = this.#sessions.get(session)
    if (entry?.home !== node) return Promise.resolve(undefined)
    entry.record = record
    const others = this.nodes().filter((other) => other !== node && !this.#retired.has(other))
    entry.home = others[randomInt(Math.max(others.length, 1))]
    if (entry.home === undefined) this.#leaveAlone(session, entry)
    return Promise.resolve(entry.home)
  }

  release(session: string, node: string): void {
    if (this.#sessions.get(session)?.home === node) this.#sessions.delete(session)
  }

  send(from: string, to: string, mail: Uint8Array): Promise<void> {
    if (!this.#members.has(to)) return Promise.reject(new Error(`There is no node ${to} (any more)`))
    queueMicrotask(() => this.#members.get(to)?.receive(from, mail))
    return Promise.resolve()
  }

  /** The node becomes the home if there is none. */
  #settle(entry: Entry, node: string): SessionPlace {
    if (entry.home === undefined) {
      entry.home = node
      clearTimeout(entry.expiry)
    }
    const { home, record } = entry
    return home === node ? { home, record } : { home }
  }

  /** The session has no home. What is stored of it is kept for a while. */
  #leaveAlone(session: string, entry: Entry): void {
    entry.home = undefined
    if (entry.record === undefined) this.#sessions.delete(session)
    else entry.expiry = setTimeout(() => this.#sessions.delete(session), entry.keepMs).unref()
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
