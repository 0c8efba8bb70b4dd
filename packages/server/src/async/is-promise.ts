/** True for what has to be waited for, by whomever it was made. What is there at once costs no turn of its own. */
export function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}
