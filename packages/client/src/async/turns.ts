import { onAbort, type Signal } from './signals.ts'

/** Lets a limited number of tasks run at a time. The others wait for their turn, in order. */
export class Turns {
  #free: number
  readonly #waiting = new Set<() => void>()

  /** @param most the number of tasks that may run at a time. */
  constructor(most: number) {
    this.#free = most
  }

  /** The number of tasks that wait for their turn. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Whether another task would have to wait. */
  get areTaken(): boolean {
    return this.#free === 0
  }

  /**
   * Runs a task in its turn. The turn lasts until the task has settled.
   *
   * @param signal aborting it gives up the wait for the turn: the promise rejects with the signal's reason.
   */
  async run<T>(task: () => T | Promise<T>, signal?: Signal): Promise<T> {
    if (this.#free > 0) this.#free--
    else await this.#turn(signal)
    try {
      return await task()
    } finally {
      const [next] = this.#waiting
      if (next) next()
      else this.#free++
    }
  }

  #turn(signal: Signal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const next = () => {
        this.#waiting.delete(next)
        off?.()
        resolve()
      }
      this.#waiting.add(next)
      const off =
        signal &&
        onAbort(signal, (reason) => {
          this.#waiting.delete(next)
          reject(reason)
        })
    })
  }
}
