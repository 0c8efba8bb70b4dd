// An id has to fit into a header: visible ASCII, and short enough for the server to accept the request.
const usable = /^[\x21-\x7e][\x20-\x7e]{0,1023}$/
// A server sends again only events that may have been under way when the connection broke.
const remembered = 1_000

/** The ids of the events that were read: they tell where to resume and which events are repetitions. */
export class SeenIds {
  /** The id of the last event. Undefined when it has no id that fits into a header. */
  last: string | undefined
  #streams = 0
  /**
   * The ids of the last events of the first stream. It has no repetitions, so they are sorted in when a second opens.
   */
  #ofFirst: string[] = []
  /** The stream of each id. Both maps together hold at least the ids to remember, and at most twice as many. */
  #streamOf = new Map<string, number>()
  #streamOfOlder = new Map<string, number>()

  /** Registers another stream. Returns its number, to pass to {@link add}. */
  opened(): number {
    for (const id of this.#ofFirst.splice(0)) this.#remember(id, 0)
    return this.#streams++
  }

  /**
   * Records the id of an event on a stream.
   *
   * @returns false when another stream brought an event with this id: it is a repetition. One stream repeats nothing,
   * even when it uses an id twice.
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
