import type { Logger } from '../logger.ts'

/** Who wants to hear of what. A listener that throws is logged, and does not keep the others from hearing. */
export class Listeners {
  /** The arrays are replaced, not changed: one that is being gone through stays as it is. */
  readonly #listeners = new Map<string, ((value: never) => void)[]>()
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** @returns what takes the listener away again. */
  on(name: string, listener: (value: never) => void): () => void {
    // The same function may listen twice, and stop one time.
    const entry = (value: never) => listener(value)
    this.#listeners.set(name, [...this.#of(name), entry])
    return () => {
      this.#listeners.set(
        name,
        this.#of(name).filter((other) => other !== entry),
      )
    }
  }

  /** Whether anybody listens. */
  has(name: string): boolean {
    return this.#of(name).length > 0
  }

  emit(name: string, value: unknown): void {
    for (const listener of this.#of(name)) {
      try {
        const returned: unknown = listener(value as never)
        if (returned instanceof Promise) returned.catch((error: unknown) => this.#failed(name, error))
      } catch (error) {
        this.#failed(name, error)
      }
    }
  }

  #of(name: string): readonly ((value: never) => void)[] {
    return this.#listeners.get(name) ?? []
  }

  clear(): void {
    this.#listeners.clear()
  }

  #failed(name: string, error: unknown): void {
    this.#logger.error({ err: error, event: name }, 'a listener threw')
  }
}
