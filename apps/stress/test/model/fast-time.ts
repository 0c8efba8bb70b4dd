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
