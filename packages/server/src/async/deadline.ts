import { isPromise } from './is-promise.ts'

/** The longest time of a timer. A longer one would fire at once. */
export const longestTimerMs = 2 ** 31 - 1

/** Waits for all of the promises, until the deadline. */
export async function settledWithin(
  deadlineMs: number,
  promises: readonly Promise<unknown>[],
): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise((resolve) => (timer = setTimeout(resolve, deadlineMs)))
  await Promise.race([Promise.all(promises), deadline])
  clearTimeout(timer)
}

/**
 * Waits for a value, until the deadline.
 *
 * @param what the thing that is waited for, for the error.
 * @throws {Error} when it takes longer. What the promise does later has no effect.
 */
export async function within<T>(deadlineMs: number, what: string, value: T | PromiseLike<T>): Promise<T> {
  if (!isPromise(value)) return value
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${deadlineMs} ms`)), deadlineMs)
  })
  try {
    return await Promise.race([value, deadline])
  } finally {
    clearTimeout(timer)
  }
}
