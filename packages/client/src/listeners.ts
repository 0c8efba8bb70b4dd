import type { Logger } from './logger.ts'

/** Who wants to hear of what. A listener that throws is logged, and does not keep the others from hearing. */
export class Listeners {
  readonly #listeners = new Map<string, Set<(value: never) => void>>()
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** @returns what takes the listener away again. */
  on(name: string, listener: (value: never) => void): () => void {
    let set = this.#listeners.get(name)
    if (!set) this.#listeners.set(name, (set = new Set()))
    // The same function may listen twice, and stop one time.
    const entry = (value: never) => listener(value)
    set.add(entry)
    return () => {
      set.delete(entry)
    }
  }

  /** Whether anybody listens. */
  has(name: string): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0
  }

  emit(name: string, value: unknown): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        const returned: unknown = listener(value as never)
        if (returned instanceof Promise) returned.catch((error: unknown) => this.#failed(name, error))
      } catch (error) {
        this.#failed(name, error)
      }
    }
  }

  clear(): void {
    this.#listeners.clear()
  }

  #failed(name: string, error: unknown): void {
    this.#logger.error({ err: error, event: name }, 'a listener threw')
  }
}
