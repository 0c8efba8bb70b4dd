/**
 * Calls a function of the user. What it throws, or what the promise that it returns rejects with, goes to `failed`, and
 * affects nothing else.
 *
 * @param name passed on to `failed`, so that no closure is needed for a call.
 */
export function callUser<Argument>(
  run: (argument: Argument) => unknown,
  argument: Argument,
  failed: (error: unknown, name: string) => void,
  name: string,
): void {
  try {
    const returned = run(argument)
    if (typeof returned !== 'object' || returned === null) return
    // A promise may be of another realm or library. Anything else is fulfilled.
    Promise.resolve(returned).catch((error: unknown) => failed(error, name))
  } catch (error) {
    failed(error, name)
  }
}
