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
 * Waits for the promise, until the deadline.
 *
 * @throws what `late` makes, when the promise has not settled by then.
 */
export function within<T>(promise: PromiseLike<T>, deadlineMs: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), deadlineMs)
    promise.then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (thrown: unknown) => {
        clearTimeout(timer)
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as it was rejected
        reject(thrown)
      },
    )
  })
}
