import { byId } from './element.ts'

// Messages that come together are read out together, and not more often than a person can follow.
const gatherMs = 1000
const restMs = 5000

/**
 * Reads out what changed to a person with a screen reader. Only the newest message of a topic is read, so a burst
 * is one message. What ticks all the time does not belong here.
 */
export class Announcer {
  readonly #region = byId('announcements')
  readonly #waiting = new Map<string, string>()
  #isDue = false
  #spokeAt = -Infinity

  /** Reads `text` out soon, in place of an earlier text about the same topic that was not read yet. */
  announce(topic: string, text: string): void {
    this.#waiting.set(topic, text)
    if (this.#isDue) return
    this.#isDue = true
    const restLeft = this.#spokeAt + restMs - performance.now()
    setTimeout(() => this.#speak(), Math.max(gatherMs, restLeft))
  }

  /** Whether something about the topic is about to be read out. */
  isWaiting(topic: string): boolean {
    return this.#waiting.has(topic)
  }

  #speak(): void {
    this.#isDue = false
    this.#spokeAt = performance.now()
    this.#region.textContent = [...this.#waiting.values()].join(' ')
    this.#waiting.clear()
  }
}
