import type { LimitScope } from '../quota.ts'
import { bytesOfWatch } from '../changes/topic.ts'
import type { Limits } from '../limits.ts'
import type { Principal } from '../requests/principal.ts'
import type { MailboxOwner } from './mailbox.ts'

/** The session that watches, as its watched URIs see it. */
interface Watcher extends Pick<MailboxOwner, 'holds'> {
  readonly principal: Principal
}

/** The resources that a session watches, by topic key. They count towards the limits of subscriptions and bytes. */
export class WatchedUris {
  readonly #watcher: Watcher
  readonly #limits: Limits
  readonly #keys = new Set<string>()

  constructor(watcher: Watcher, limits: Limits) {
    this.#watcher = watcher
    this.#limits = limits
  }

  has(key: string): boolean {
    return this.#keys.has(key)
  }

  /** The limit that allows no further subscription. Undefined when all do. */
  get reached(): LimitScope | undefined {
    const { subscriptions } = this.#limits
    const isFull = this.#keys.size >= subscriptions.max.perSession
    return isFull ? 'perSession' : subscriptions.reached(this.#watcher.principal)
  }

  add(key: string): void {
    this.#keys.add(key)
    this.#limits.subscriptions.add(this.#watcher.principal)
    this.#watcher.holds(bytesOfWatch(key), 0)
  }

  /** @returns false when it was not watched. */
  delete(key: string): boolean {
    if (!this.#keys.delete(key)) return false
    this.#limits.subscriptions.release(this.#watcher.principal)
    this.#watcher.holds(-bytesOfWatch(key), 0)
    return true
  }

  clear(): void {
    for (const key of this.#keys) this.delete(key)
  }
}
