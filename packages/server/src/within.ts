/** Waits for all of the promises, until the deadline. */
export async function within(deadlineMs: number, promises: readonly Promise<unknown>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise((resolve) => (timer = setTimeout(resolve, deadlineMs)))
  await Promise.race([Promise.all(promises), deadline])
  clearTimeout(timer)
}
