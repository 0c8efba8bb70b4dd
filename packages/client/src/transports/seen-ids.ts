// A header must carry it: visible ASCII, and not so long that the server refuses the request.
const usable = /^[\x21-\x7e][\x20-\x7e]{0,1023}$/
// A server re-sends what its reader may not have read: no more than what can be under way.
const remembered = 1_000

/** The ids of the events that were read: where to go on, and what is a repetition. */
export class SeenIds {
  /** The id of the last event; undefined when there is none that the server could be told. */
  last: string | undefined
  #streams = 0
  /** As long as there has been but one stream, which can have no repetition: the ids of its last events. */
  #ofFirst: string[] = []
  /** By id: the stream it came on. At least as many as are to be remembered are in both, and at most twice as many. */
  #streamOf = new Map<string, number>()
  #streamOfOlder = new Map<string, number>()

  /** Another stream is opened. Returns its number, to be told with its events. */
  opened(): number {
    for (const id of this.#ofFirst.splice(0)) this.#remember(id, 0)
    return this.#streams++
  }

  /**
   * Takes note of the id of an event on a stream.
   *
   * @returns false when another stream brought an event of this id: it is a repetition. Within one stream nothing is,
   * whatever its id.
   */
  add(id: string | undefined, stream: number): boolean {
    if (id === undefined) return true
    this.last = usable.test(id) ? id : undefined
    if (this.last === undefined) return true
    if (this.#streams === 1) {
      this.#ofFirst.push(id)
      if (this.#ofFirst.length === 2 * remembered) this.#ofFirst.splice(0, remembered)
      return true
    }
    if ((this.#streamOf.get(id) ?? this.#streamOfOlder.get(id) ?? stream) !== stream) return false
    this.#remember(id, stream)
    return true
  }

  #remember(id: string, stream: number): void {
    this.#streamOf.set(id, stream)
    if (this.#streamOf.size < remembered) return
    this.#streamOfOlder = this.#streamOf
    this.#streamOf = new Map()
  }
}
