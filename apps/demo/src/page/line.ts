/** A `fetch` whose requests can be cut. To the client it looks like a network that went away. */
export interface Line {
  fetch: typeof fetch
  /** Breaks off every open request, in the middle. The next request goes through. */
  cut(): void
}

export function makeLine(): Line {
  let broken = new AbortController()
  return {
    fetch(input, init) {
      const signals = init?.signal ? [init.signal, broken.signal] : [broken.signal]
      return fetch(input, { ...init, signal: AbortSignal.any(signals) })
    },
    cut() {
      broken.abort(new TypeError('network error'))
      broken = new AbortController()
    },
  }
}
