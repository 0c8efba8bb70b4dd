import { type Backplane, type ChangeFollower, type BackplaneNode, MemoryBackplane } from '../../src/index.ts'

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
      }),
    )
  }

  leave(node: string): Promise<void> {
    return this.#goes(() => this.#store.leave(node))
  }

  async claim(session: string, node: string): Promise<string> {
    const home = await this.#goes(() => this.#store.claim(session, node))
    return this.#comesBack(() => home)
  }

  release(session: string, node: string): void {
    void this.#goes(() => this.#store.release(session, node))
  }

  async locate(session: string): Promise<string | undefined> {
    const home = await this.#goes(() => this.#store.locate(session))
    return this.#comesBack(() => home)
  }

  send(from: string, to: string, mail: Uint8Array): Promise<void> {
    // The bytes are copied, as a socket would.
    const copy = Uint8Array.from(mail)
    return this.#goes(() => this.#store.send(from, to, copy))
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
