/** Calls `tick` at the turn of every second, until `signal` aborts. */
export function everySecond(tick: (now: Date) => void, signal: AbortSignal): void {
  let timer: NodeJS.Timeout
  const next = () => {
    // One millisecond past the turn, for a timer may fire slightly early and would find the second before.
    timer = setTimeout(
      () => {
        tick(new Date())
        next()
      },
      1001 - (Date.now() % 1000),
    )
  }
  next()
  signal.addEventListener('abort', () => clearTimeout(timer))
}
