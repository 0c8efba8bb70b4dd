import {
  type Backplane,
  type BackplaneHealth,
  type BackplaneNode,
  type ChangeFollower,
  MemoryBackplane,
  type SessionPlace,
} from '../../src/index.ts'

/** The connection of one process to a backplane that is somewhere else: whatever it does takes its time. */
export class DelayedBackplane implements Backplane {
  readonly #store: MemoryBackplane
  /** What was sent arrives in order; and so does what comes back. */
  #there: Promise<unknown> = Promise.resolve()
  #back: Promise<unknown> = Promise.resolve()
  readonly #followers = new Map<ChangeFollower, ChangeFollower>()

  constructor(store: MemoryBackplane) {
    this.#store = store
  }

  async follow(follower: ChangeFollower): Promise<void> {
    const later: ChangeFollower = {
      resync: (snapshot) => void this.#comesBack(() => follower.resync(snapshot)),
      changed: (topic, seq) => void this.#comesBack(() => follower.changed(topic, seq)),
    }
    this.#followers.set(follower, later)
    await this.#goes(() => this.#store.follow(later))
    await this.#back
  }

  unfollow(follower: ChangeFollower): void {
    const later = this.#followers.get(follower)
    this.#followers.delete(follower)
    if (later !== undefined) this.#store.unfollow(later)
  }

  publish(topic: string): void {
    void this.#goes(() => this.#store.publish(topic))
  }

  join(member: BackplaneNode): Promise<void> {
    return this.#goes(() =>
      this.#store.join({
        node: member.node,
        receive: (from, mail) => void this.#comesBack(() => member.receive(from, mail)),
        gone: (node) => void this.#comesBack(() => member.gone(node)),
        displaced: () => void this.#comesBack(() => member.displaced()),
      }),
    )
  }

  leave(node: string): Promise<void> {
    return this.#goes(() => this.#store.leave(node))
  }

  retire(node: string): void {
    void this.#goes(() => this.#store.retire(node))
  }

  nodes(): readonly string[] {
    return this.#store.nodes()
  }

  get health(): BackplaneHealth {
    return this.#store.health
  }

  certain(): undefined {
    return undefined
  }

  claim(session: string, node: string, keepMs: number, record?: string): Promise<SessionPlace> {
    return this.#asks(() => this.#store.claim(session, node, keepMs, record))
  }

  adopt(session: string, node: string): Promise<SessionPlace | undefined> {
    return this.#asks(() => this.#store.adopt(session, node))
  }

  save(session: string, node: string, record: string): Promise<boolean> {
    return this.#asks(() => this.#store.save(session, node, record))
  }

  handOver(session: string, node: string, record: string): Promise<string | undefined> {
    return this.#asks(() => this.#store.handOver(session, node, record))
  }

  release(session: string, node: string): void {
    void this.#goes(() => this.#store.release(session, node))
  }

  send(from: string, to: string, mail: Uint8Array): Promise<void> {
    // The bytes are copied, as a socket would.
    const copy = Uint8Array.from(mail)
    return this.#goes(() => this.#store.send(from, to, copy))
  }

  async #asks<T>(work: () => Promise<T>): Promise<T> {
    const answer = await this.#goes(work)
    return this.#comesBack(() => answer)
  }

  #goes<T>(work: () => Promise<T> | T): Promise<T> {
    const done = this.#there.then(tick).then(work)
    this.#there = done.catch(() => {})
    return done
  }

  #comesBack<T>(work: () => T): Promise<T> {
    const done = this.#back.then(tick).then(work)
    this.#back = done.catch(() => {})
    return done
  }
}

function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
