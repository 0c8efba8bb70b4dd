import { callUser } from '../async/call-user.ts'
import type { Logger } from '../logger.ts'

/**
 * The listeners of the client's events. What a listener throws is logged and does not affect the other listeners; the same
 * goes for what the promise of an async listener rejects with.
 */
export class Listeners {
  /** The arrays are replaced, not changed: an iteration over one goes on unaffected. */
  readonly #listeners = new Map<string, ((value: never) => void)[]>()
  #onChange = () => {}
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Adds a listener. Returns a function that removes it. */
  on(name: string, listener: (value: never) => void): () => void {
    // The same function may be added twice, and removed once.
    const entry = (value: never) => listener(value)
    this.#set(name, [...this.#of(name), entry])
    return () => {
      this.#set(
        name,
        this.#of(name).filter((other) => other !== entry),
      )
    }
  }

  /** Whether the event has a listener. */
  has(name: string): boolean {
    return this.#of(name).length > 0
  }

  /** Sets the observer, which is called whenever a listener is added or removed. */
  onChange(observer: () => void): void {
    this.#onChange = observer
  }

  emit(name: string, value: unknown): void {
    for (const listener of this.#of(name)) callUser(listener, value as never, this.#failed, name)
  }

  clear(): void {
    this.#listeners.clear()
  }

  #of(name: string): readonly ((value: never) => void)[] {
    return this.#listeners.get(name) ?? []
  }

  #set(name: string, listeners: ((value: never) => void)[]): void {
    this.#listeners.set(name, listeners)
    this.#onChange()
  }

  readonly #failed = (err: unknown, event: string): void => {
    this.#logger.error({ err, event }, 'a listener threw')
  }
}
