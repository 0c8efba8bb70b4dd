/** What the nodes of the demo have in common. A demo that is one process has it in memory. */
export interface SharedState {
  /** Adds `by` to a count, and gives the sum. */
  increase(name: string, by: number): number | Promise<number>
  /** A count: 0 before it was increased. */
  count(name: string): number | Promise<number>
  /** Keeps a text for all nodes. */
  set(name: string, text: string): void | Promise<void>
  /** Keeps a text unless there is one, and gives the one that is kept. */
  setIfMissing(name: string, text: string): string | Promise<string>
  get(name: string): string | undefined | Promise<string | undefined>
  /** True for one of the nodes that ask about the same thing within a minute. */
  isFirst(thing: string): boolean | Promise<boolean>
  /** Calls `tell` on one of the nodes that saw a change; on another one when that node died over it. */
  tellOnce(change: string, tell: () => void): void | Promise<void>
  close(): void
}

/** The state of a demo that is one process. */
export class LocalState implements SharedState {
  readonly #counts = new Map<string, number>()
  readonly #texts = new Map<string, string>()

  increase(name: string, by: number): number {
    const sum = this.count(name) + by
    this.#counts.set(name, sum)
    return sum
  }

  count(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  set(name: string, text: string): void {
    this.#texts.set(name, text)
  }

  setIfMissing(name: string, text: string): string {
    const kept = this.get(name) ?? text
    this.set(name, kept)
    return kept
  }

  get(name: string): string | undefined {
    return this.#texts.get(name)
  }

  isFirst(): boolean {
    return true
  }

  tellOnce(_change: string, tell: () => void): void {
    tell()
  }

  close(): void {
    // Nothing is open.
  }
}
