import { randomBytes } from 'node:crypto'
import type { Subscriber } from './subscriber.ts'

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
  readonly epoch: string
  readonly subscribers = new Set<Subscriber>()
  /** 0 until the topic first changes. */
  seq = 0
  /** The latest change as bytes, by how it is encoded. */
  #frames = new Map<Encode, Buffer>()

  constructor(topic: Topic, epoch: string) {
    this.topic = topic
    this.epoch = epoch
  }

  changed(seq: number): void {
    this.seq = seq
    this.#frames.clear()
  }

  /** The latest change as bytes: encoded at most once in each way, however many streams it goes to. */
  frame(encode: Encode): Buffer {
    let frame = this.#frames.get(encode)
    if (frame === undefined) this.#frames.set(encode, (frame = encode(this)))
    return frame
  }
}

/** Makes bytes of a topic's latest change. */
export type Encode = (state: TopicState) => Buffer

/** How many topics that nobody watches are remembered, for those who may come back to them. */
const maxUnwatched = 10_000

/**
 * Topic -> latest change. Not a log: MCP's change notifications carry no payload, so the newest change of a topic
 * replaces the one before. Memory grows with the topics that are watched, never with the number of changes.
 *
 * Topics that nobody watches are remembered up to a bound: {@link isComplete} says from which position on all changes
 * are known.
 */
export class ChangeIndex {
  /** Tells this index from the one before a restart: a position of another epoch means nothing here. */
  readonly epoch = randomBytes(6).toString('base64url')
  readonly #watched = new Map<Topic, TopicState>()
  /** Those that changed, or were left, longest ago first. */
  readonly #unwatched = new Map<Topic, TopicState>()
  #seq = 0
  /** The latest change of all topics that were forgotten. */
  #forgotten = 0

  /** The sequence number of the latest change of all. */
  get seq(): number {
    return this.#seq
  }

  /** How many topics somebody watches. */
  get size(): number {
    return this.#watched.size
  }

  /** True when all changes after the position are known. */
  isComplete(position: number): boolean {
    return position >= this.#forgotten && position <= this.#seq
  }

  /** Records a change of the topic and offers it to its subscribers. Never waits for one of them. */
  publish(topic: Topic): void {
    const seq = ++this.#seq
    const state = this.#watched.get(topic)
    if (state === undefined) {
      const unwatched = this.#unwatched.get(topic) ?? new TopicState(topic, this.epoch)
      unwatched.changed(seq)
      this.#keep(unwatched)
      return
    }
    state.changed(seq)
    for (const subscriber of state.subscribers) subscriber.offer(state)
  }

  /** The topic's state, with the subscriber among those who hear of it. */
  subscribe(topic: Topic, subscriber: Subscriber): TopicState {
    let state = this.#watched.get(topic)
    if (state === undefined) {
      state = this.#unwatched.get(topic) ?? new TopicState(topic, this.epoch)
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
