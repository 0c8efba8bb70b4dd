import { type Backplane, type ChangeFollower, type BackplaneNode, MemoryBackplane } from '../../src/index.ts'

/** A backplane whose store can be lost, with all that was in it. */
export class LosableBackplane implements Backplane {
  #store = new MemoryBackplane()
  readonly #followers = new Set<ChangeFollower>()
  readonly #members = new Map<string, BackplaneNode>()
  readonly #claims = new Map<string, string>()

  lose(): void {
    this.#store = new MemoryBackplane()
    for (const follower of this.#followers) void this.#store.follow(follower)
    for (const member of this.#members.values()) void this.#store.join(member)
    for (const [session, node] of this.#claims) void this.#store.claim(session, node)
  }

  follow(follower: ChangeFollower): Promise<void> {
    this.#followers.add(follower)
    return this.#store.follow(follower)
  }

  unfollow(follower: ChangeFollower): void {
    this.#followers.delete(follower)
    this.#store.unfollow(follower)
  }

  publish(topic: string): void {
    this.#store.publish(topic)
  }

  join(member: BackplaneNode): Promise<void> {
    this.#members.set(member.node, member)
    return this.#store.join(member)
  }

  leave(node: string): Promise<void> {
    this.#members.delete(node)
    return this.#store.leave(node)
  }

  async claim(session: string, node: string): Promise<string> {
    const home = await this.#store.claim(session, node)
    if (home === node) this.#claims.set(session, node)
    return home
  }

  release(session: string, node: string): void {
    this.#claims.delete(session)
    this.#store.release(session, node)
  }

  locate(session: string): Promise<string | undefined> {
    return this.#store.locate(session)
  }

  send(from: string, to: string, mail: Uint8Array): Promise<void> {
    return this.#store.send(from, to, mail)
  }
}
