// Taken from the module, so that neither the fake timers of a test nor a clock that is sped up reaches them.
import { setTimeout as wait } from 'node:timers/promises'

/**
 * Resolves when the condition holds. It is looked at after a millisecond, after two more, and so on; from then on every
 * ten.
 *
 * @param missing says what is missing, should the condition not come to hold within the deadline: a function when only
 * that moment can tell.
 * @throws that, after the deadline; and at once what the condition throws.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  missing: string | (() => string),
  deadlineMs = 10_000,
): Promise<void> {
  const late = AbortSignal.timeout(deadlineMs)
  for (let pauseMs = 1; !(await condition()); pauseMs = Math.min(pauseMs + 1, 10)) {
    if (late.aborted)
      throw new Error(`After ${deadlineMs / 1000} s: ${typeof missing === 'string' ? missing : missing()}`)
    await wait(pauseMs)
  }
}
