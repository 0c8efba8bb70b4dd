/** The lines that are kept: the latest. */
const maxLines = 20_000

/** What has happened in a schedule, to find out why it has failed. */
export class History {
  readonly #lines: string[] = []

  add(who: string, what: string): void {
    this.#lines.push(`${new Date().toISOString().slice(11, 23)} ${who}: ${what}`)
    if (this.#lines.length > 2 * maxLines) this.#lines.splice(0, maxLines)
  }

  toString(): string {
    return this.#lines.slice(-maxLines).join('\n')
  }
}
