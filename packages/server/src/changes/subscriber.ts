import type { ChangeIndex, Topic, TopicState } from './change-index.ts'

/** Where a subscriber's changes go. */
export interface ChangeSink {
  /** False while the reader's socket is full, or when there is no reader. */
  isReady(): boolean
  /** Writes the topic's latest change. Called only while it is ready. */
  write(state: TopicState): void
}

/**
 * One reader: a set of topics, and the position up to which it has been told. Nothing is queued for a reader that is
 * away or whose socket is full; when it is ready again, {@link catchUp} finds what it missed in the index.
 */
export class Subscriber {
  readonly #index: ChangeIndex
  readonly #sink: ChangeSink
  /** Each watched topic, with the sequence number at which the watch began: older changes are not its business. */
  readonly #topics = new Map<Topic, { state: TopicState; since: number }>()
  #position = 0
  #behind = false

  constructor(index: ChangeIndex, sink: ChangeSink) {
    this.#index = index
    this.#sink = sink
    this.#position = index.seq
  }

  /** The sequence number of the latest change this reader has been told of. */
  get position(): number {
    return this.#position
  }

  /** @param since the position from which on its changes are told; those before are not. Now, when left out. */
  watch(topic: Topic, since = this.#index.seq): void {
    if (this.#topics.has(topic)) return
    this.#topics.set(topic, { state: this.#index.subscribe(topic, this), since })
  }

  unwatch(topic: Topic): void {
    const watched = this.#topics.get(topic)
    if (watched === undefined) return
    this.#topics.delete(topic)
    this.#index.unsubscribe(watched.state, this)
  }

  /** A watched topic has just changed: told now if the reader is ready for it, found by catchUp otherwise. */
  offer(state: TopicState): void {
    if (this.#behind || !this.#sink.isReady()) this.#behind = true
    else this.#tell(state)
  }

  /** Tells each watched topic whose latest change is past the position: once, in order, as far as the sink takes it. */
  catchUp(): void {
    if (!this.#behind) return
    const missed: TopicState[] = []
    for (const { state, since } of this.#topics.values()) {
      if (state.seq > this.#position && state.seq > since) missed.push(state)
    }
    missed.sort((a, b) => a.seq - b.seq)
    for (const state of missed) {
      if (!this.#sink.isReady()) return
      this.#tell(state)
    }
    this.#behind = false
  }

  /** Goes back to the position that a returning reader has reached, at most the present one. */
  rewind(position: number): void {
    this.#position = position
    this.#behind = true
  }

  /** Stops watching everything. */
  clear(): void {
    for (const topic of [...this.#topics.keys()]) this.unwatch(topic)
  }

  #tell(state: TopicState): void {
    this.#position = state.seq
    this.#sink.write(state)
  }
}
