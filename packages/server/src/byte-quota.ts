import { type LimitScope, Quota } from './quota.ts'

/** Holds something for a while in case it is asked for again, and can do without. */
export interface Keeper {
  /** The time, by `performance.now()`, of the oldest thing that it keeps. `Infinity` when it keeps nothing. */
  readonly keptSince: number
  /** Lets go of all that is as old as this time, or older. Returns the number of bytes. */
  letGo(time: number): number
}

/**
 * The bytes that are held for clients, in total and for each principal, and their limits. What is kept only in case it is asked
 * for again goes before anything is refused.
 */
export class ByteQuota extends Quota {
  /** The bytes among those held that {@link keepers} can do without. */
  kept = 0
  /** Those who keep something for a principal; for all, without one. */
  keepers: (principal?: string) => Keeper[] = () => []

  override reached(principal: string | undefined, bytes = 1): LimitScope | undefined {
    for (;;) {
      const reached = super.reached(principal, bytes)
      if (reached === undefined || this.kept === 0) return reached
      const keepers = this.keepers(reached === 'perPrincipal' ? principal : undefined)
      if (!letOldestGo(keepers, bytes + slackOf(this.max[reached]))) return reached
    }
  }

  /** Counts so many bytes more, or less when negative, whatever the limits. So many more, or less, of them are kept. */
  change(principal: string | undefined, bytes: number, kept: number): void {
    if (bytes > 0) this.add(principal, bytes)
    else if (bytes < 0) this.release(principal, -bytes)
    this.kept += kept
  }
}

/** More than is needed goes at once, so that it is not looked for with each message. */
export function slackOf(max: number): number {
  return Math.floor(max / 16)
}

/** The part of the age of the oldest thing that the next to go must have. */
const ageStep = 3 / 4
/** From this age on the rest goes together. */
const leastAgeMs = 1

/**
 * Lets things go, the oldest first, until so many bytes have gone. Nobody holds the things of all keepers in order, which would
 * cost memory with each of them: an age is lowered step by step until enough is older.
 *
 * @returns whether anything has gone.
 */
export function letOldestGo(all: readonly Keeper[], bytes: number): boolean {
  const keepers = all.filter(({ keptSince }) => keptSince !== Infinity)
  const now = performance.now()
  let age = keepers.reduce((most, { keptSince }) => Math.max(most, now - keptSince), 0)
  let gone = 0
  while (keepers.length > 0 && gone < bytes) {
    const time = age < leastAgeMs ? Infinity : now - age
    for (const keeper of keepers) gone += keeper.letGo(time)
    if (time === Infinity) break
    age *= ageStep
  }
  return gone > 0
}

/** The bytes that are held for one request or stream, from the first of them until all are released. */
export class Holding {
  readonly #quota: ByteQuota
  readonly #principal: string | undefined
  #bytes = 0

  constructor(quota: ByteQuota, principal: string | undefined) {
    this.#quota = quota
    this.#principal = principal
  }

  /** Counts so many more, whatever the limits. */
  add(bytes: number): void {
    this.#bytes += bytes
    this.#quota.add(this.#principal, bytes)
  }

  /**
   * Counts so many more.
   *
   * @throws {LimitError} when a limit does not allow them.
   */
  take(bytes: number): void {
    this.#quota.require(this.#principal, bytes)
    this.add(bytes)
  }

  /** Counts none any more. */
  release(): void {
    this.#quota.release(this.#principal, this.#bytes)
    this.#bytes = 0
  }
}
