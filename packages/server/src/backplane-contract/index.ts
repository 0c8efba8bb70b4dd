import { changeTests } from './change-tests.ts'
import { mailTests } from './mail-tests.ts'
import { sessionTests } from './session-tests.ts'
import type { BackplaneStore, OnStore, TestRunner } from './store.ts'

export type { BackplaneStore, TestRunner } from './store.ts'

export interface BackplaneContractOptions {
  /** The number of times that each property is tried. Default: 100. */
  runs?: number
  /** Default: the global `describe` and `test`. With `node:test`: `import { describe, test } from 'node:test'`. */
  runner?: TestRunner
}

/**
 * Defines the tests of what holds for every `Backplane`. Call it in a test file of your implementation, and add what is its
 * own: a lost connection, a node that dies. `fast-check` has to be installed.
 *
 * ```ts
 * backplaneContract('MyBackplane', async () => ({
 *   connect: async () => new MyBackplane(),
 *   close: async () => {},
 * }))
 * ```
 *
 * @param name names the tests.
 * @param makeStore makes an empty store for each test.
 */
export function backplaneContract(
  name: string,
  makeStore: () => Promise<BackplaneStore>,
  { runs = 100, runner = globalThis }: BackplaneContractOptions = {},
): void {
  const on: OnStore = (test) => async () => {
    const store = await makeStore()
    try {
      await test(() => store.connect())
    } finally {
      await store.close()
    }
  }
  runner.describe(`${name} keeps the contract of a backplane`, () => {
    for (const tests of [changeTests, mailTests, sessionTests]) tests(runner, on, runs)
  })
}
