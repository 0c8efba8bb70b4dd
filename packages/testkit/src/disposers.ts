// For tests only: it needs the globals of jest.

const disposers = new Map<unknown, () => unknown>()

/** Has a thing closed after the test, the last thing first. Returns the thing. */
export function defer<T>(thing: T, dispose: (thing: T) => unknown): T {
  disposers.set(thing, () => dispose(thing))
  return thing
}

/** A thing that is gone already is not kept until the end of the test. */
export function forget(thing: unknown): void {
  disposers.delete(thing)
}

afterEach(async () => {
  for (const [thing, dispose] of [...disposers].reverse()) {
    disposers.delete(thing)
    await dispose()
  }
})
