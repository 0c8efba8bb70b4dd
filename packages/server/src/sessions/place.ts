import { Refusal } from '../refusal.ts'

/** The time for which a stream that took the place of another keeps it: at first, and at most. */
const firstMs = 5_000
const mostMs = 80_000
const maxWaiting = 4

/**
 * The place of a channel's one stream, when streams take it from one another. A newer stream takes the place at once, since its
 * client may have lost the older one. Two clients that share an id, such as two tabs of a browser, would so throw each other
 * out again and again: a stream that took the place of another keeps it for a while, longer each time, and others wait.
 */
export class Place {
  #keepsMs = 0
  #keepsUntil = 0
  readonly #waiting = new Set<() => void>()

  /** A stream has taken the place of another. */
  taken(): void {
    const now = performance.now()
    const isAgain = now < this.#keepsUntil + this.#keepsMs
    this.#keepsMs = isAgain ? Math.min(2 * this.#keepsMs, mostMs) : firstMs
    this.#keepsUntil = now + this.#keepsMs
  }

  /** The stream has left its place: it is the turn of the one that waits for longest. */
  left(): void {
    this.#keepsUntil = 0
    const [next] = this.#waiting
    next?.()
  }

  /** There is no place any more: nobody has to wait. */
  end(): void {
    for (const goOn of [...this.#waiting]) goOn()
  }

  /**
   * Waits until the stream in the place may lose it. Undefined when it may now. Ask again afterwards: another may have been
   * faster.
   *
   * @param whenClosed calls back when the one that waits has left.
   * @throws {Refusal} 409 when others wait already.
   */
  turn(whenClosed: (callback: () => void) => void): Promise<void> | undefined {
    const ms = this.#keepsUntil - performance.now()
    if (ms <= 0) return undefined
    if (this.#waiting.size >= maxWaiting) {
      const message = `Other clients use the same id: ${maxWaiting} streams wait for the place of one. Choose an id of your own`
      throw new Refusal(409, message, { retry: true })
    }
    return new Promise((resolve) => {
      const goOn = () => {
        clearTimeout(timer)
        this.#waiting.delete(goOn)
        resolve()
      }
      const timer = setTimeout(goOn, ms).unref()
      this.#waiting.add(goOn)
      whenClosed(goOn)
    })
  }
}
