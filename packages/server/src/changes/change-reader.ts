import type { ChangeIndex } from './change-index.ts'
import { type Topic, type TopicListener, topicKey, TopicState } from './topic.ts'

/** The stream side of a {@link ChangeReader}. */
export interface ChangeSink {
  /** False while the reader's socket is full, or when there is no reader. */
  isReady(): boolean
  /**
   * Writes the topic's latest change. Sequence number 0 stands for a topic that may have changed. Called only while the
   * sink is ready.
   */
  write(state: TopicState): void
  /** The index has begun anew: earlier positions mean nothing any more. */
  lost?(): void
}

/** The number of changes that the index of one node can be behind that of another. */
const maxAhead = 1_000_000

interface Watched {
  readonly state: TopicState
  /** The sequence number at which the watch began: older changes are not told. */
  since: number
}

/**
 * One reader of changes: the topics it watches, and its position, the latest change it was told. Nothing is queued for a
 * reader that is away or whose socket is full. When it is ready again, {@link catchUp} finds what it missed in the index.
 */
export class ChangeReader implements TopicListener {
  readonly #index: ChangeIndex
  readonly #sink: ChangeSink
  /** By topic key: two spellings of a URI are one watch. */
  readonly #topics = new Map<string, Watched>()
  #epoch: string
  #position: number
  #behind = false
  /** The latest change when the index last began anew. Positions are good from there on. */
  #knownFrom: number | undefined
  /** Topics that may have changed before that, and that the reader was not told of yet. */
  #doubtful: Set<Watched> | undefined

  constructor(index: ChangeIndex, sink: ChangeSink) {
    this.#index = index
    this.#sink = sink
    this.#epoch = index.epoch
    this.#position = index.seq
  }

  /** The sequence number of the latest change this reader was told. 0 while that is in doubt. */
  get position(): number {
    this.#followEpoch()
    return this.#position
  }

  /** What is watched, and the position from which on each is told. */
  get watches(): [topic: Topic, since: number][] {
    return [...this.#topics.values()].map(({ state, since }) => [state.topic, since])
  }

  /** @param since changes after this position are told. Default: the latest change. */
  watch(topic: Topic, since = this.#index.seq): void {
    const key = topicKey(topic)
    if (this.#topics.has(key)) return
    this.#followEpoch()
    this.#topics.set(key, { state: this.#index.subscribe(topic, this), since })
  }

  unwatch(topic: Topic): void {
    const key = topicKey(topic)
    const watched = this.#topics.get(key)
    if (watched === undefined) return
    this.#topics.delete(key)
    this.#doubtful?.delete(watched)
    this.#index.unsubscribe(watched.state, this)
  }

  /**
   * Tells the reader of a change that has just happened, unless it has found it already; a reader that is not ready finds it
   * later, in catchUp.
   */
  offer(state: TopicState): void {
    if (this.#behind || !this.#sink.isReady()) this.#behind = true
    else if (state.seq > this.#position) this.#tell(state)
  }

  /** Tells each watched topic whose latest change is past the position: once, in order, until the sink is full. */
  catchUp(): void {
    if (!this.#behind || !this.#settleDoubts()) return
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

  /**
   * Goes back to the position that a returning reader has reached.
   *
   * @returns false when the reader cannot have reached that position, or when changes since then are not known.
   */
  rewind(position: number): boolean {
    if (position > this.position) return false
    if (this.#knownFrom === undefined || (position > 0 && position >= this.#knownFrom))
      this.#position = position
    else if (position === 0) this.#doubtAll()
    else return false
    this.#behind = true
    return true
  }

  /**
   * Goes to the position that a reader has reached at another node, which may be ahead of the index here. Where changes since
   * then are not known, all that is watched is told.
   *
   * @param completeFrom changes after this are known for all that is watched.
   */
  goTo(position: number, completeFrom: number): void {
    const isKnown = position >= Math.max(completeFrom, this.#knownFrom ?? 0)
    if (!isKnown || position > this.#index.seq + maxAhead) return this.doubt()
    this.#position = position
    this.#doubtful = undefined
    this.#behind = true
  }

  /** All that is watched is told: nothing is known of what the reader has been told. */
  doubt(): void {
    this.#knownFrom = this.#index.seq
    this.#doubtAll()
  }

  /** Each watched topic may have changed at an unknown time: the reader is told of all of them. */
  lost(): void {
    this.#epoch = this.#index.epoch
    for (const watched of this.#topics.values()) watched.since = 0
    this.doubt()
    this.#sink.lost?.()
    this.catchUp()
  }

  /** Stops watching everything. */
  clear(): void {
    for (const topic of [...this.#topics.keys()]) this.unwatch(topic)
  }

  /** A reader that watches nothing does not hear that the index begins anew. */
  #followEpoch(): void {
    if (this.#epoch !== this.#index.epoch) this.lost()
  }

  #doubtAll(): void {
    this.#position = 0
    this.#doubtful = new Set(this.#topics.values())
    this.#behind = true
  }

  /** @returns false when the sink takes no more, and there are doubts left. */
  #settleDoubts(): boolean {
    for (const watched of this.#doubtful ?? []) {
      if (!this.#sink.isReady()) return false
      this.#doubtful!.delete(watched)
      this.#sink.write(new TopicState(watched.state.topic, this.#epoch))
    }
    if (this.#doubtful !== undefined) this.#position = this.#knownFrom!
    this.#doubtful = undefined
    return true
  }

  #tell(state: TopicState): void {
    this.#position = state.seq
    this.#sink.write(state)
  }
}
