/** Calls `tick` at the turn of every second, until `signal` aborts. `onError` hears of a tick that fails. */
export function everySecond(
  tick: (now: Date) => void | Promise<void>,
  { signal, onError }: { signal: AbortSignal; onError: (error: unknown) => void },
): void {
  let timer: NodeJS.Timeout
  const run = async () => {
    try {
      await tick(new Date())
    } catch (error) {
      if (!signal.aborted) onError(error)
    }
  }
  const next = () => {
    // One millisecond past the turn, for a timer may fire slightly early and would find the second before.
    timer = setTimeout(
      () => {
        void run()
        next()
      },
      1001 - (Date.now() % 1000),
    )
  }
  next()
  signal.addEventListener('abort', () => clearTimeout(timer))
}
