import type { Backplane, ChangeFollower, ChangeSnapshot } from '../backplane/backplane.ts'
import { MemoryBackplane } from '../backplane/memory-backplane.ts'
import type { Subscriber } from './change-reader.ts'

/**
 * What can change: one of the three lists, or one resource, by its URI. A URI has a scheme and so a colon: it is never
 * the name of a list.
 */
export type Topic = List | (string & {})
export type List = 'tools' | 'prompts' | 'resources'

/** A watched topic: the sequence number of its latest change, and who wants to hear of it. */
export class TopicState {
  readonly topic: Topic
  /** Of the index. */
  epoch: string
  readonly subscribers = new Set<Subscriber>()
  /** 0 until the topic first changes, and of one that may have changed, nobody knows when. */
  seq = 0
  /** The latest change as text, in each way that it was encoded. */
  #frames: Frame | undefined

  constructor(topic: Topic, epoch: string) {
    this.topic = topic
    this.epoch = epoch
  }

  changed(seq: number): void {
    this.seq = seq
    this.#frames = undefined
  }

  /** The index has begun anew. */
  reset(epoch: string): void {
    this.epoch = epoch
    this.changed(0)
  }

  /** The latest change as text: encoded at most once in each way, however many streams it goes to. */
  frame(encode: Encode): string {
    // A list, since there are two ways at most: a map of its own for each change would cost more than encoding it.
    let frame = this.#frames
    while (frame !== undefined && frame.encode !== encode) frame = frame.next
    frame ??= this.#frames = { encode, text: encode(this), next: this.#frames }
    return frame.text
  }
}

/** Makes text of a topic's latest change. */
export type Encode = (state: TopicState) => string

interface Frame {
  readonly encode: Encode
  readonly text: string
  readonly next: Frame | undefined
}

/** How many topics that nobody watches are remembered, for those who may come back to them. */
const maxUnwatched = 10_000

/**
 * Topic -> latest change. Not a log: MCP's change notifications carry no payload, so the newest change of a topic
 * replaces the one before. Memory grows with the topics that are watched, never with the number of changes.
 *
 * Each server has one, a replica of what the backplane has put in order. Topics that nobody watches are remembered up to
 * a bound: {@link isComplete} says from which position on all changes are known.
 */
export class ChangeIndex implements ChangeFollower {
  readonly #backplane: Backplane
  readonly #watched = new Map<Topic, TopicState>()
  /** Those that changed, or were left, longest ago first. */
  readonly #unwatched = new Map<Topic, TopicState>()
  #epoch = ''
  #seq = 0
  /** The latest change of all topics that were forgotten. */
  #forgotten = 0
  #followed: Promise<void> | undefined

  constructor(backplane: Backplane = new MemoryBackplane()) {
    this.#backplane = backplane
    // Who waits for it is told when it fails.
    this.follow().catch(() => {})
  }

  /** Tells this index from one whose order was lost: a position of another epoch means nothing here. */
  get epoch(): string {
    return this.#epoch
  }

  /** The sequence number of the latest change of all. */
  get seq(): number {
    return this.#seq
  }

  /** How many topics somebody watches. */
  get size(): number {
    return this.#watched.size
  }

  /** Resolves when it knows what was published before. Follows the backplane again, if it was closed. */
  follow(): Promise<void> {
    return (this.#followed ??= this.#backplane.follow(this))
  }

  /** Hears of nothing any more. */
  close(): void {
    this.#followed = undefined
    this.#backplane.unfollow(this)
  }

  /** True when all changes after the position are known. */
  isComplete(position: number): boolean {
    return position >= this.#forgotten && position <= this.#seq
  }

  /** The topic has changed: its subscribers are told, on this node and all others. Never waits for one of them. */
  publish(topic: Topic): void {
    this.#backplane.publish(topic)
  }

  changed(topic: Topic, seq: number): void {
    if (seq <= this.#seq) return
    this.#seq = seq
    const state = this.#watched.get(topic)
    if (state === undefined) {
      const unwatched = this.#unwatched.get(topic) ?? new TopicState(topic, this.#epoch)
      unwatched.changed(seq)
      this.#keep(unwatched)
      return
    }
    state.changed(seq)
    for (const subscriber of state.subscribers) subscriber.offer(state)
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
    for (const state of this.#watched.values()) state.reset(epoch)
    for (const [topic, seq] of changes) {
      const state = this.#watched.get(topic) ?? new TopicState(topic, epoch)
      state.changed(seq)
      if (!this.#watched.has(topic)) this.#keep(state)
    }
    const subscribers = new Set([...this.#watched.values()].flatMap((state) => [...state.subscribers]))
    for (const subscriber of subscribers) subscriber.lost()
  }

  /** The topic's state, with the subscriber among those who hear of it. */
  subscribe(topic: Topic, subscriber: Subscriber): TopicState {
    let state = this.#watched.get(topic)
    if (state === undefined) {
      state = this.#unwatched.get(topic) ?? new TopicState(topic, this.#epoch)
      this.#unwatched.delete(topic)
      this.#watched.set(topic, state)
    }
    state.subscribers.add(subscriber)
    return state
  }

  unsubscribe(state: TopicState, subscriber: Subscriber): void {
    state.subscribers.delete(subscriber)
    if (state.subscribers.size > 0) return
    this.#watched.delete(state.topic)
    if (state.seq > 0) this.#keep(state)
  }

  #keep(state: TopicState): void {
    this.#unwatched.delete(state.topic)
    this.#unwatched.set(state.topic, state)
    if (this.#unwatched.size <= maxUnwatched) return
    const [oldest] = this.#unwatched.values()
    this.#unwatched.delete(oldest!.topic)
    this.#forgotten = Math.max(this.#forgotten, oldest!.seq)
  }
}
