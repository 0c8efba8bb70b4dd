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
