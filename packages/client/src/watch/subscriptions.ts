import { mayPass } from '../errors.ts'
import type { Exchange, Restore } from '../messages/message-router.ts'
import { abortable, type Signal } from '../async/signals.ts'

// How many requests are under way at once when a new session is told what is subscribed to.
const atOnce = 8

/** One subscription of the server's, whoever shares it. */
interface Subscription {
  done: Promise<unknown>
  holders: Set<() => void>
}

/** One holder's part in a subscription. */
export interface Hold {
  /** Resolves when the server has subscribed us. Rejects with the signal's reason. */
  subscribed(signal: Signal): Promise<void>
  /** Gives it up. With the last holder, the server is asked to unsubscribe us. */
  release(): Promise<void>
}

/** What this client is subscribed to: one subscription per URI, shared by all who hold it, and told to each session. */
export class Subscriptions {
  readonly #exchange: Exchange
  readonly #held = new Map<string, Subscription>()
  /** Unsubscribes under way: a subscribe to the same URI must not get there first. */
  readonly #leaving = new Map<string, Promise<unknown>>()
  /** What `subscribe()` was called for, to be given up by `unsubscribe()`. */
  readonly #asked = new Map<string, Hold>()

  constructor(exchange: Exchange) {
    this.#exchange = exchange
    exchange.onNewSession((options) => this.#restore(options))
    exchange.on('notifications/resources/updated', ({ uri }: { uri: string }) => this.#changed(uri))
  }

  /** Subscribes until {@link unsubscribe}. Once is enough. */
  async subscribe(uri: string, signal: Signal): Promise<void> {
    let hold = this.#asked.get(uri)
    if (!hold) this.#asked.set(uri, (hold = this.hold(uri, () => {})))
    try {
      await hold.subscribed(signal)
    } catch (error) {
      this.#asked.delete(uri)
      hold.release().catch((err: unknown) => this.#exchange.logger.debug({ err, uri }, 'not unsubscribed'))
      throw error
    }
  }

  async unsubscribe(uri: string): Promise<void> {
    const hold = this.#asked.get(uri)
    this.#asked.delete(uri)
    await hold?.release()
  }

  /**
   * Subscribes, together with all who hold the same URI.
   *
   * @param stale called when the resource changed, and when changes may have been missed.
   */
  hold(uri: string, stale: () => void): Hold {
    const subscription = this.#held.get(uri) ?? this.#subscribe(uri)
    const holder = () => stale()
    subscription.holders.add(holder)
    return {
      subscribed: async (signal) => {
        await abortable(subscription.done, signal)
      },
      release: async () => {
        if (!subscription.holders.delete(holder) || subscription.holders.size > 0) return
        if (this.#held.get(uri) === subscription) await this.#unsubscribe(uri)
      },
    }
  }

  #subscribe(uri: string): Subscription {
    const subscribe = async () => {
      await this.#leaving.get(uri)
      await this.#exchange.request('resources/subscribe', { uri })
    }
    const subscription: Subscription = { done: subscribe(), holders: new Set() }
    this.#held.set(uri, subscription)
    // Who holds it is told; who comes next tries again.
    subscription.done.catch(() => this.#forget(uri, subscription))
    return subscription
  }

  #forget(uri: string, subscription: Subscription): void {
    if (this.#held.get(uri) !== subscription) return
    this.#held.delete(uri)
    this.#asked.delete(uri)
  }

  async #unsubscribe(uri: string): Promise<void> {
    this.#held.delete(uri)
    const request = this.#exchange.request('resources/unsubscribe', { uri })
    const left = request.then(
      () => {},
      () => {},
    )
    this.#leaving.set(uri, left)
    try {
      await request
    } finally {
      if (this.#leaving.get(uri) === left) this.#leaving.delete(uri)
    }
  }

  #changed(uri: string): void {
    for (const stale of this.#held.get(uri)?.holders ?? []) stale()
  }

  async #restore(options: Parameters<Restore>[0]): Promise<void> {
    const all = this.#held.entries()
    const worker = async () => {
      for (const [uri, subscription] of all) {
        let isStale = options.missed
        subscription.done = this.#exchange.request('resources/subscribe', { uri }, options)
        // A refusal is for those who hold it to see; what makes the session unusable is for the connection.
        await subscription.done.catch((err: unknown) => {
          options.signal.throwIfAborted()
          if (mayPass(err)) throw err
          this.#exchange.logger.warn({ err, uri }, 'the new session does not subscribe')
          this.#forget(uri, subscription)
          isStale = true
        })
        if (isStale) for (const stale of subscription.holders) stale()
      }
    }
    await Promise.all(Array.from({ length: atOnce }, worker))
  }
}
