/** How long a test waits for what must come, in milliseconds of the time there really is. */
const deadlineMs = 8_000

const real = { setTimeout, setInterval, now: Date.now }

/**
 * Has time run so many times as fast for all that measures it by Date.now, setTimeout or setInterval: server and client
 * keep the timeouts they have by default, and half a minute of silence does not take half a minute.
 */
export function speedUp(factor: number): void {
  const start = real.now()
  Date.now = () => start + (real.now() - start) * factor
  globalThis.setTimeout = ((run: () => void, ms = 0, ...rest: []) =>
    real.setTimeout(run, ms / factor, ...rest)) as typeof setTimeout
  globalThis.setInterval = ((run: () => void, ms = 0, ...rest: []) =>
    real.setInterval(run, ms / factor, ...rest)) as typeof setInterval
}

/** Time goes on as ever. */
export function slowDown(): void {
  Object.assign(globalThis, { setTimeout: real.setTimeout, setInterval: real.setInterval })
  Date.now = real.now
}

/** Resolves when the condition holds. Throws with what is missing when it does not come to hold. */
export async function until(condition: () => boolean, missing: () => string): Promise<void> {
  const deadline = real.now() + deadlineMs
  while (!condition()) {
    if (real.now() > deadline) throw new Error(`After ${deadlineMs} ms: ${missing()}`)
    await new Promise((resolve) => real.setTimeout(resolve, 2))
  }
}
