/**
 * The reason a promise is rejected with.
 *
 * @throws when the promise is fulfilled.
 */
export function rejection(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error('It was expected to be rejected')
    },
    (error: unknown) => error as Error,
  )
}
