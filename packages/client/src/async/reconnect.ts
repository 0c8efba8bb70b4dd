import { type Signal, wait } from './signals.ts'

const defaultRetryMs = 1_000
/** The limits of the delay that a server may ask for: shorter would overload it, longer would never come back. */
const shortestMs = 100
const longestHintMs = 3_600_000
/** The delay that is not doubled any further. */
const longestMs = 30_000
/** After a connection of this length, the next delay is a short one again. */
const goodAfterMs = 5_000

/** The facts that determine the next delay. */
export interface BackoffHints {
  /** How long the lost connection lived, in milliseconds. 0 when there was none. */
  livedMs: number
  /** The delay in the `retry:` field of the server's stream, in milliseconds. */
  retryMs?: number | undefined
  /** The delay in the server's `Retry-After` header, in milliseconds. */
  retryAfterMs?: number | undefined
}

/**
 * The delay before the next attempt to connect: the one the server asks for, doubled with each failed attempt up to 30
 * seconds, plus a random part of up to half of it, so that clients do not come back all at once. A connection that is
 * lost soon counts as a failed attempt, so a server that accepts and hangs up is not overloaded.
 */
export class Backoff {
  #failures = 0
  readonly #random: () => number

  /** @param random returns a number from 0 up to 1. */
  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /** Returns the next delay, in milliseconds. It is never shorter than the one the server asked for. */
  next({ livedMs, retryMs = defaultRetryMs, retryAfterMs = 0 }: BackoffHints): number {
    if (livedMs >= goodAfterMs) this.#failures = 0
    const first = clamp(retryMs, shortestMs, longestHintMs)
    const doubled = Math.max(first, Math.min(first * 2 ** this.#failures++, longestMs))
    const delay = Math.max(doubled, clamp(retryAfterMs, 0, longestHintMs))
    return Math.floor(delay * (1 + this.#random() / 2))
  }

  /** Waits for {@link next}. Rejects with the signal's reason as soon as it is aborted. */
  async pause(hints: BackoffHints, signal: Signal): Promise<void> {
    await wait(this.next(hints), signal)
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most)
}
