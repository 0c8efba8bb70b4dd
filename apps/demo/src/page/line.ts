/** A `fetch` whose requests can be cut. To the client it looks like a network that went away. */
export interface Line {
  fetch: typeof fetch
  /** Called with each response. */
  onResponse(response: Response): void
  /** Breaks off every open request, in the middle. The next request goes through. */
  cut(): void
}

export function makeLine(): Line {
  let broken = new AbortController()
  const line: Line = {
    onResponse() {},
    async fetch(input, init) {
      const signals = init?.signal ? [init.signal, broken.signal] : [broken.signal]
      const response = await fetch(input, { ...init, signal: AbortSignal.any(signals) })
      line.onResponse(response)
      return response
    },
    cut() {
      broken.abort(new TypeError('network error'))
      broken = new AbortController()
    },
  }
  return line
}
