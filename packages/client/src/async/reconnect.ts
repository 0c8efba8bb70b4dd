import { type Signal, wait } from './signals.ts'

const defaultRetryMs = 1_000
/** What a server may ask for, either way: less would storm it, more would never come back. */
const shortestMs = 100
const longestHintMs = 3_600_000
/** Where doubling ends. */
const longestMs = 30_000
/** A connection that lived this long was a good one: the next delay is a short one again. */
const goodAfterMs = 5_000

/** What is known when the next delay is wanted. */
export interface BackoffHints {
  /** How long the connection lived that was lost; 0 when there was none. */
  livedMs: number
  /** What the server asked for by the `retry:` field of its stream. */
  retryMs?: number | undefined
  /** What the server asked for by a `Retry-After` header. */
  retryAfterMs?: number | undefined
}

/**
 * How long to wait before connecting again: what the server asks for, doubled with each attempt that leads to nothing,
 * up to 30 seconds, and up to half as much on top by chance, so that clients do not come back all at once. A
 * connection that is lost as soon as it is made counts as an attempt that led to nothing: a server that accepts and
 * hangs up is not stormed.
 */
export class Backoff {
  #failures = 0
  readonly #random: () => number

  /** @param random a number from 0 up to 1. */
  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /** The next delay, in milliseconds. Never shorter than what the server asked for. */
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
