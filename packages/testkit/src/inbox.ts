/** Things that have arrived, for a test to wait for. */
export class Inbox<T> {
  /** All that ever came. */
  readonly all: T[] = []
  #waiting: T[] = []
  readonly #waiters = new Set<() => boolean>()

  push(item: T): void {
    this.all.push(item)
    this.#waiting.push(item)
    for (const tried of [...this.#waiters]) if (tried()) this.#waiters.delete(tried)
  }

  /** The next one that matches and was not taken yet; it is waited for. */
  next(matches: (item: T) => boolean = () => true): Promise<T> {
    return new Promise((resolve) => {
      const tried = () => {
        const index = this.#waiting.findIndex(matches)
        if (index === -1) return false
        resolve(this.#waiting.splice(index, 1)[0]!)
        return true
      }
      if (!tried()) this.#waiters.add(tried)
    })
  }
}
