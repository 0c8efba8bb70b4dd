/** How long things took, in milliseconds. */
export class Latency {
  readonly #ms: number[] = []

  add(ms: number): void {
    this.#ms.push(ms)
  }

  get count(): number {
    return this.#ms.length
  }

  /** Such as `p50 1.2 ms, p99 10.4 ms`. */
  toString(): string {
    if (this.#ms.length === 0) return 'none'
    const sorted = [...this.#ms].sort((a, b) => a - b)
    const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!
    return `p50 ${at(0.5).toFixed(1)} ms, p99 ${at(0.99).toFixed(1)} ms`
  }
}
