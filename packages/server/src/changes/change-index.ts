import type { Backplane, ChangeFollower, ChangeSnapshot } from '../backplane/backplane.ts'
import { MemoryBackplane } from '../backplane/memory-backplane.ts'
import { type Topic, type TopicListener, topicKey, TopicState } from './topic.ts'

/** The number of unwatched topics that are remembered, for readers that may come back to them. */
const maxUnwatched = 10_000

/**
 * Topic -> latest change. Not a log: MCP's change notifications carry no payload, so the newest change of a topic
 * replaces the one before. Memory grows with the topics that are watched, never with the number of changes.
 *
 * Each server has one, a replica of the order that the backplane gives. Unwatched topics are remembered up to a bound:
 * {@link isComplete} tells from which position on all changes are known.
 */
export class ChangeIndex implements ChangeFollower {
  readonly #backplane: Backplane
  /** By topic key. The spellings of one URI that are watched are a chain. */
  readonly #watched = new Map<string, TopicState>()
  /** By topic key, in the order of their latest change, or of the end of their last watch: the oldest first. */
  readonly #unwatched = new Map<string, TopicState>()
  #epoch = ''
  #seq = 0
  /** The latest change of all topics that were forgotten. */
  #forgotten = 0
  /** The number of this turn of the event loop, among those in which a watched topic has changed. */
  #tick = 0
  #tickEnds = false
  /** Watched topics whose latest change is told at the end of the tick, in the order of these changes. */
  #later = new Set<TopicState>()
  #followed: Promise<void> | undefined

  constructor(backplane: Backplane = new MemoryBackplane()) {
    this.#backplane = backplane
    // A failure reaches the caller that waits for `follow()`.
    this.follow().catch(() => {})
  }

  /** Changes when the order of changes was lost: a position of another epoch means nothing here. */
  get epoch(): string {
    return this.#epoch
  }

  /** The sequence number of the latest change of any topic. */
  get seq(): number {
    return this.#seq
  }

  /** The number of watched topics. */
  get size(): number {
    return this.#watched.size
  }

  /** Resolves when it knows all earlier changes. Follows the backplane again after {@link close}. */
  follow(): Promise<void> {
    return (this.#followed ??= this.#backplane.follow(this))
  }

  /** Stops following the backplane. */
  close(): void {
    this.#followed = undefined
    this.#backplane.unfollow(this)
  }

  /** All changes after this are known. */
  get completeFrom(): number {
    return this.#forgotten
  }

  /** True when all changes after the position are known. */
  isComplete(position: number): boolean {
    return position >= this.#forgotten && position <= this.#seq
  }

  /** Announces a change of the topic to its readers on all nodes. Never waits for one of them. */
  publish(topic: Topic): void {
    this.#backplane.publish(topicKey(topic))
  }

  changed(topic: Topic, seq: number): void {
    if (seq <= this.#seq) return
    this.#seq = seq
    // Another version on another node may publish a URI as it was spelled.
    const key = topicKey(topic)
    let state = this.#watched.get(key)
    if (state === undefined) {
      const unwatched = this.#unwatched.get(key) ?? new TopicState(key, this.#epoch)
      unwatched.changed(seq)
      this.#keep(key, unwatched)
      return
    }
    for (; state !== undefined; state = state.other) {
      state.changed(seq)
      // Many changes in one go are told once. From the first that waits on, all wait, so that none overtakes another.
      if (this.#later.size > 0 || state.toldIn === this.#tick) {
        this.#later.delete(state)
        this.#later.add(state)
        continue
      }
      state.toldIn = this.#tick
      if (!this.#tickEnds) setImmediate(this.#endTick)
      this.#tickEnds = true
      for (const listener of state.listeners) listener.offer(state)
    }
  }

  /** Tells now what waits for the end of the tick. */
  settle(): void {
    if (this.#later.size === 0) return
    const due = this.#later
    this.#later = new Set()
    for (const state of due) for (const listener of state.listeners) listener.offer(state)
  }

  resync({ epoch, seq, completeFrom, changes }: ChangeSnapshot): void {
    if (epoch === this.#epoch && completeFrom <= this.#seq) {
      for (const [topic, seq] of changes) this.changed(topic, seq)
      return
    }
    this.#epoch = epoch
    this.#seq = seq
    this.#forgotten = completeFrom
    this.#unwatched.clear()
    this.#later.clear()
    const watched = [...this.#watched.values()].flatMap(spellings)
    for (const state of watched) state.reset(epoch)
    for (const [topic, seq] of changes) {
      const key = topicKey(topic)
      const head = this.#watched.get(key)
      if (head === undefined) {
        const state = new TopicState(key, epoch)
        state.changed(seq)
        this.#keep(key, state)
      } else {
        for (const state of spellings(head)) state.changed(seq)
      }
    }
    const listeners = new Set(watched.flatMap((state) => [...state.listeners]))
    for (const listener of listeners) listener.lost()
  }

  /** Adds the listener to the topic, and returns the topic's state. */
  subscribe(topic: Topic, listener: TopicListener): TopicState {
    // What came before the watch is not told to it.
    this.settle()
    const key = topicKey(topic)
    const head = this.#watched.get(key)
    let state = head
    while (state !== undefined && state.topic !== topic) state = state.other
    if (state === undefined) {
      const known = head ?? this.#unwatched.get(key)
      state = known !== head && known?.topic === topic ? known : new TopicState(topic, this.#epoch)
      state.seq = known?.seq ?? 0
      state.other = head
      this.#unwatched.delete(key)
      this.#watched.set(key, state)
    }
    state.listeners.add(listener)
    return state
  }

  unsubscribe(state: TopicState, listener: TopicListener): void {
    state.listeners.delete(listener)
    if (state.listeners.size > 0) return
    const key = topicKey(state.topic)
    const rest = spellings(this.#watched.get(key)).filter((other) => other !== state)
    rest.forEach((other, i) => (other.other = rest[i + 1]))
    state.other = undefined
    if (rest.length > 0) this.#watched.set(key, rest[0]!)
    else {
      this.#watched.delete(key)
      if (state.seq > 0) this.#keep(key, state)
    }
  }

  readonly #endTick = (): void => {
    this.#tick++
    this.#tickEnds = false
    this.settle()
  }

  #keep(key: string, state: TopicState): void {
    this.#unwatched.delete(key)
    this.#unwatched.set(key, state)
    if (this.#unwatched.size <= maxUnwatched) return
    const [[oldestKey, oldest] = [key, state]] = this.#unwatched
    this.#unwatched.delete(oldestKey)
    this.#forgotten = Math.max(this.#forgotten, oldest.seq)
  }
}

/** The states of a resource, one for each spelling of its URI that is watched. */
function spellings(head: TopicState | undefined): TopicState[] {
  const all: TopicState[] = []
  for (let state = head; state !== undefined; state = state.other) all.push(state)
  return all
}
