import {
  type Backplane,
  type BackplaneHealth,
  type BackplaneNode,
  type ChangeFollower,
  MemoryBackplane,
  type SessionPlace,
} from '../../src/index.ts'

/** A backplane whose store can be lost, with all that was in it. */
export class LosableBackplane implements Backplane {
  #store = new MemoryBackplane()
  readonly #followers = new Set<ChangeFollower>()
  readonly #members = new Map<string, BackplaneNode>()

  lose(): void {
    this.#store = new MemoryBackplane()
    for (const follower of this.#followers) void this.#store.follow(follower)
    for (const member of this.#members.values()) {
      void this.#store.join(member)
      member.displaced()
    }
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

  retire(node: string): void {
    this.#store.retire(node)
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
    return this.#store.claim(session, node, keepMs, record)
  }

  adopt(session: string, node: string): Promise<SessionPlace | undefined> {
    return this.#store.adopt(session, node)
  }

  save(session: string, node: string, record: string): Promise<boolean> {
    return this.#store.save(session, node, record)
  }

  handOver(session: string, node: string, record: string): Promise<string | undefined> {
    return this.#store.handOver(session, node, record)
  }

  release(session: string, node: string): void {
    this.#store.release(session, node)
  }

  send(from: string, to: string, mail: Uint8Array): Promise<void> {
    return this.#store.send(from, to, mail)
  }
}
