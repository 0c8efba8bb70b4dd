import { normalUri } from '@tidings/protocol'
import { abortable, type Signal } from '../async/signals.ts'
import type { Connection, Restoring } from '../connection/connection.ts'
import type { Era } from '../eras/era.ts'
import { isRetryable } from '../errors.ts'
import type { Logger } from '../logger.ts'

// The number of parallel requests that restore the subscriptions in a new session.
const parallelRequests = 8

/** One subscription at the server, shared by its holders. */
interface Subscription {
  /** As its first holder spells it. */
  uri: string
  done: Promise<unknown>
  holders: Set<() => void>
}

/** A share in a subscription. */
export interface Hold {
  /** Resolves when the server has subscribed the client. Rejects with the signal's reason. */
  subscribed(signal: Signal): Promise<void>
  /** Gives up the share. After the last one, the client unsubscribes. */
  release(): Promise<void>
}

/**
 * The resources that the client is subscribed to: one subscription for all spellings of a URI, restored in each new
 * session. The maps have the normal form of the URI as their key.
 */
export class Subscriptions {
  readonly #era: Pick<Era, 'request'>
  readonly #logger: Logger
  readonly #held = new Map<string, Subscription>()
  /** The unsubscribes under way: a new subscribe to the same URI must not overtake one. */
  readonly #leaving = new Map<string, Promise<unknown>>()
  /** The shares of `subscribe()`, to give up in `unsubscribe()`. */
  readonly #asked = new Map<string, Hold>()

  constructor(era: Pick<Era, 'request'>, connection: Connection, logger: Logger) {
    this.#era = era
    this.#logger = logger
    connection.onRestore((restoring) => this.#restore(restoring))
  }

  /** Subscribes until {@link unsubscribe}. Subscribing twice has no further effect. */
  async subscribe(uri: string, signal: Signal): Promise<void> {
    const key = normalUri(uri)
    let hold = this.#asked.get(key)
    if (!hold) this.#asked.set(key, (hold = this.hold(uri, () => {})))
    try {
      await hold.subscribed(signal)
    } catch (error) {
      this.#asked.delete(key)
      hold.release().catch((err: unknown) => this.#logger.debug({ err, uri }, 'not unsubscribed'))
      throw error
    }
  }

  async unsubscribe(uri: string): Promise<void> {
    const key = normalUri(uri)
    const hold = this.#asked.get(key)
    this.#asked.delete(key)
    await hold?.release()
  }

  /**
   * Subscribes, and shares the subscription with all holders of the same URI.
   *
   * @param onStale called when the resource changed, and when changes may have been missed.
   */
  hold(uri: string, onStale: () => void): Hold {
    const key = normalUri(uri)
    const subscription = this.#held.get(key) ?? this.#subscribe(key, uri)
    const holder = () => onStale()
    subscription.holders.add(holder)
    return {
      subscribed: async (signal) => {
        await abortable(subscription.done, signal)
      },
      release: async () => {
        if (!subscription.holders.delete(holder) || subscription.holders.size > 0) return
        if (this.#held.get(key) === subscription) await this.#unsubscribe(key, subscription)
      },
    }
  }

  /** The server announced a change of the resource. */
  changed(uri: string): void {
    for (const onStale of this.#held.get(normalUri(uri))?.holders ?? []) onStale()
  }

  #subscribe(key: string, uri: string): Subscription {
    const subscribe = async () => {
      await this.#leaving.get(key)
      await this.#era.request('resources/subscribe', { uri })
    }
    const subscription: Subscription = { uri, done: subscribe(), holders: new Set() }
    this.#held.set(key, subscription)
    // Its holders see the error. The next holder tries again.
    subscription.done.catch(() => this.#forget(key, subscription))
    return subscription
  }

  #forget(key: string, subscription: Subscription): void {
    if (this.#held.get(key) !== subscription) return
    this.#held.delete(key)
    this.#asked.delete(key)
  }

  async #unsubscribe(key: string, { uri }: Subscription): Promise<void> {
    this.#held.delete(key)
    const request = this.#era.request('resources/unsubscribe', { uri })
    const left = request.then(
      () => {},
      () => {},
    )
    this.#leaving.set(key, left)
    try {
      await request
    } finally {
      if (this.#leaving.get(key) === left) this.#leaving.delete(key)
    }
  }

  async #restore({ signal, missed }: Restoring): Promise<void> {
    const all = this.#held.entries()
    const options = { signal, duringConnect: true }
    const worker = async () => {
      for (const [key, subscription] of all) {
        const { uri } = subscription
        let isStale = missed
        subscription.done = this.#era.request('resources/subscribe', { uri }, options)
        // The holders see a refusal. An error that makes the session unusable goes to the connection.
        await subscription.done.catch((err: unknown) => {
          signal.throwIfAborted()
          if (isRetryable(err)) throw err
          this.#logger.warn({ err, uri }, 'the new session refused a subscription')
          this.#forget(key, subscription)
          isStale = true
        })
        if (isStale) for (const onStale of subscription.holders) onStale()
      }
    }
    await Promise.all(Array.from({ length: parallelRequests }, worker))
  }
}
