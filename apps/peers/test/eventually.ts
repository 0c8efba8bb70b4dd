import { setImmediate } from 'node:timers/promises'

/** Tries until it succeeds. Throws what it failed by last, when it has not succeeded within the time. */
export async function eventually<T>(ms: number, attempt: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + ms
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await setImmediate()
    }
  }
}
