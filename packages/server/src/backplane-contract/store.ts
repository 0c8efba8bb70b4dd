import { setTimeout as wait } from 'node:timers/promises'
import type { Backplane } from '../backplane/backplane.ts'

/** A store that an implementation gives to be tested. */
export interface BackplaneStore {
  /**
   * A backplane on the store, as another process would have it. What belongs to a single process gives the same one each
   * time.
   */
  connect(): Promise<Backplane>
  /** Ends all connections, and throws the store away. */
  close(): Promise<void>
}

/** The part of a test runner that the contract uses: jest, vitest and `node:test` fit. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown
  test(name: string, body: () => Promise<void>): unknown
}

/** Runs the test on a store of its own. */
export type OnStore = (test: (connect: BackplaneStore['connect']) => Promise<void>) => () => Promise<void>

/** @throws what is missing, when the condition does not come to hold within the deadline. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  missing: string,
  deadlineMs = 20_000,
): Promise<void> {
  const deadline = performance.now() + deadlineMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`After ${deadlineMs / 1000} s: ${missing}`)
    await wait(2)
  }
}
