/** Calls `tick` at the turn of every second, until `signal` aborts. A tick that fails is made up for by the next. */
export function everySecond(tick: (now: Date) => void | Promise<void>, signal: AbortSignal): void {
  let timer: NodeJS.Timeout
  const next = () => {
    // One millisecond past the turn, for a timer may fire slightly early and would find the second before.
    timer = setTimeout(
      () => {
        Promise.resolve(tick(new Date())).catch(() => {})
        next()
      },
      1001 - (Date.now() % 1000),
    )
  }
  next()
  signal.addEventListener('abort', () => clearTimeout(timer))
}
