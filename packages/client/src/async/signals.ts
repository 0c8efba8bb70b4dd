// The longest delay of a timer. With a longer one it would fire at once.
const longestTimerMs = 2 ** 31 - 1

/** Runs a function after any number of milliseconds. Returns a function that stops the timer. */
export function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, Math.min(ms, longestTimerMs))
  return () => clearTimeout(timer)
}

/** The part of `AbortSignal` that the client uses. {@link LinkedController} implements it at a fraction of the cost. */
export interface Signal {
  readonly aborted: boolean
  readonly reason: unknown
  throwIfAborted(): void
  /** Takes the place of `addEventListener`. */
  onAbort?(run: (reason: Error) => void): () => void
}

type Run = (reason: Error) => void

// Node warns about the eleventh listener on a signal. Many calls may share one signal, so it gets one listener.
const runsOf = new WeakMap<Signal, Set<Run>>()

/**
 * Runs a function when the signal is aborted, or at once if it is. Returns a function that removes it from the signal.
 */
export function onAbort(signal: Signal, run: Run): () => void {
  if (signal.aborted) {
    run(signal.reason as Error)
    return () => {}
  }
  const own: Run = (reason) => run(reason)
  if (signal.onAbort) return signal.onAbort(own)
  const runs = runsOf.get(signal) ?? new Set()
  if (runs.size === 0) {
    runsOf.set(signal, runs)
    ;(signal as AbortSignal).addEventListener('abort', runAll, { once: true })
  }
  runs.add(own)
  return () => {
    if (runs.delete(own) && runs.size === 0) (signal as AbortSignal).removeEventListener('abort', runAll)
  }
}

function runAll(this: AbortSignal): void {
  const runs = [...(runsOf.get(this) ?? [])]
  runsOf.delete(this)
  for (const run of runs) run(this.reason as Error)
}

/** Settles with the promise, or rejects with the signal's reason as soon as that is aborted. */
export function abortable<T>(promise: Promise<T>, signal: Signal): Promise<T> {
  return new Promise((resolve, reject) => {
    const off = onAbort(signal, reject)
    void promise.then(resolve, reject).finally(off)
  })
}

/** Waits for some milliseconds. Rejects with the signal's reason as soon as that is aborted. */
export function wait(ms: number, signal: Signal): Promise<void> {
  let stop = () => {}
  const waited = new Promise<void>((resolve) => (stop = after(ms, resolve)))
  return abortable(waited, signal).finally(stop)
}

/**
 * A controller that is aborted with any of the given signals, and is its own signal. `release()` removes its listeners;
 * `AbortSignal.any` would leave one on a signal that lives longer. Each call needs several controllers, and in Node an
 * `AbortController` with a listener costs as much time as half an HTTP request.
 */
export class LinkedController implements Signal {
  aborted = false
  reason: unknown
  /** The functions to run when it is aborted. */
  #runs: Set<Run> | undefined
  readonly #offs: (() => void)[] = []

  constructor(...signals: (Signal | undefined)[]) {
    const abort = (reason: Error) => this.abort(reason)
    for (const signal of signals) if (signal) this.#offs.push(onAbort(signal, abort))
  }

  get signal(): Signal {
    return this
  }

  abort(reason: unknown = new DOMException('This operation was aborted', 'AbortError')): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    const runs = [...(this.#runs ?? [])]
    this.#runs = undefined
    for (const run of runs) run(reason as Error)
  }

  onAbort(run: Run): () => void {
    this.#runs ??= new Set()
    this.#runs.add(run)
    return () => void this.#runs?.delete(run)
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason
  }

  release(): void {
    for (const off of this.#offs) off()
  }
}

/** Returns an `AbortSignal` that is aborted with the signal, for code outside the client. */
export function abortSignalOf(signal: Signal): { signal: AbortSignal; release: () => void } {
  const abort = new AbortController()
  return { signal: abort.signal, release: onAbort(signal, (reason) => abort.abort(reason)) }
}
