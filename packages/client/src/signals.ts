// The longest delay a timer can have; a longer one would fire at once.
const longestTimerMs = 2 ** 31 - 1

/** As setTimeout, for any number of milliseconds. Returns what stops it. */
export function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, Math.min(ms, longestTimerMs))
  return () => clearTimeout(timer)
}

type Run = (reason: Error) => void

// Node warns of the eleventh listener on a signal, and a client's calls may well share one: so it gets no more than one.
const runsOf = new WeakMap<AbortSignal, Set<Run>>()

/** Calls back once when the signal is aborted, at once if it is. Returns what takes that back, and leaves no listener. */
export function onAbort(signal: AbortSignal, run: Run): () => void {
  if (signal.aborted) {
    run(signal.reason as Error)
    return () => {}
  }
  const runs = runsOf.get(signal) ?? new Set()
  if (runs.size === 0) {
    runsOf.set(signal, runs)
    signal.addEventListener('abort', runAll, { once: true })
  }
  const own: Run = (reason) => run(reason)
  runs.add(own)
  return () => {
    if (runs.delete(own) && runs.size === 0) signal.removeEventListener('abort', runAll)
  }
}

function runAll(this: AbortSignal): void {
  const runs = [...(runsOf.get(this) ?? [])]
  runsOf.delete(this)
  for (const run of runs) run(this.reason as Error)
}

/** The promise's outcome, or the signal's reason as soon as it is aborted. Nothing is left on the signal. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const off = onAbort(signal, reject)
    void promise.then(resolve, reject).finally(off)
  })
}

/** Waits. Rejects with the signal's reason as soon as it is aborted. */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  let stop = () => {}
  const waited = new Promise<void>((resolve) => (stop = after(ms, resolve)))
  return abortable(waited, signal).finally(stop)
}

/**
 * A controller that is aborted with any of the signals. `release()` takes its listeners away again: `AbortSignal.any`
 * leaves one behind on a signal that outlives its work.
 */
export class LinkedController extends AbortController {
  readonly #offs: (() => void)[]

  constructor(...signals: (AbortSignal | undefined)[]) {
    super()
    this.#offs = signals.flatMap((signal) =>
      signal ? [onAbort(signal, (reason) => this.abort(reason))] : [],
    )
  }

  release(): void {
    for (const off of this.#offs) off()
  }
}
