// A header must carry it: visible ASCII, and not so long that the server refuses the request.
const usable = /^[\x21-\x7e][\x20-\x7e]{0,1023}$/
// A server re-sends what its reader may not have read: no more than what can be under way.
const remembered = 1_000

/** The ids of the events that were read: where to go on, and what is a repetition. */
export class SeenIds {
  /** The id of the last event; undefined when there is none that the server could be told. */
  last: string | undefined
  #streams = 0
  /** By id, in the order they came: the stream it came on. */
  readonly #streamOf = new Map<string, number>()

  /** From now on, events come on another stream. */
  reopened(): void {
    this.#streams++
  }

  /**
   * Takes note of an event's id.
   *
   * @returns false when an earlier stream brought an event of this id: it is a repetition. Within one stream nothing
   * is, whatever its id.
   */
  add(id: string | undefined): boolean {
    if (id === undefined) return true
    this.last = usable.test(id) ? id : undefined
    if (this.last === undefined) return true
    const stream = this.#streamOf.get(id)
    if (stream !== undefined && stream < this.#streams) return false
    this.#streamOf.delete(id)
    this.#streamOf.set(id, this.#streams)
    if (this.#streamOf.size > remembered) this.#streamOf.delete(this.#streamOf.keys().next().value!)
    return true
  }
}
