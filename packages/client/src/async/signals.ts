// The longest delay a timer can have; a longer one would fire at once.
const longestTimerMs = 2 ** 31 - 1

/** As setTimeout, for any number of milliseconds. Returns what stops it. */
export function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, Math.min(ms, longestTimerMs))
  return () => clearTimeout(timer)
}

/** What is needed of an `AbortSignal`: so that within the client one will do that costs next to nothing. */
export interface Signal {
  readonly aborted: boolean
  readonly reason: unknown
  throwIfAborted(): void
  /** What an `AbortSignal` has `addEventListener` for. */
  onAbort?(run: (reason: Error) => void): () => void
}

type Run = (reason: Error) => void

// Node warns of the eleventh listener on a signal, and a client's calls may well share one: so it gets no more than one.
const runsOf = new WeakMap<Signal, Set<Run>>()

/** Calls back once when the signal is aborted, at once if it is. Returns what takes that back, and leaves no listener. */
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

/** The promise's outcome, or the signal's reason as soon as it is aborted. Nothing is left on the signal. */
export function abortable<T>(promise: Promise<T>, signal: Signal): Promise<T> {
  return new Promise((resolve, reject) => {
    const off = onAbort(signal, reject)
    void promise.then(resolve, reject).finally(off)
  })
}

/** Waits. Rejects with the signal's reason as soon as it is aborted. */
export function wait(ms: number, signal: Signal): Promise<void> {
  let stop = () => {}
  const waited = new Promise<void>((resolve) => (stop = after(ms, resolve)))
  return abortable(waited, signal).finally(stop)
}

/**
 * A controller that is aborted with any of the signals, and is its own signal. `release()` takes its listeners away
 * again: `AbortSignal.any` leaves one behind on a signal that outlives its work. A call needs several of it, and an
 * `AbortController` whose signal is listened to takes Node as long as half an HTTP request.
 */
export class LinkedController implements Signal {
  aborted = false
  reason: unknown
  /** Called when it is aborted. */
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

/** An `AbortSignal` that is aborted with the signal, for others than this client. */
export function abortSignalOf(signal: Signal): { signal: AbortSignal; release: () => void } {
  const abort = new AbortController()
  return { signal: abort.signal, release: onAbort(signal, (reason) => abort.abort(reason)) }
}
