/**
 * Resolves when the condition holds, looked at again and again.
 *
 * @param missing says what is missing when it does not come to hold within the deadline; that is thrown.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  missing: () => string,
  deadlineMs = 120_000,
): Promise<void> {
  const deadline = Date.now() + deadlineMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`After ${deadlineMs / 1000} s: ${missing()}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Throws what is wrong unless the condition holds. */
export function check(condition: boolean, wrong: string): void {
  if (!condition) throw new Error(wrong)
}
