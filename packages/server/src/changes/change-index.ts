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
  readonly subscribers = new Set<Subscriber>()
  /** 0 until the topic first changes while it is watched. */
  seq = 0
  #frame: Buffer | undefined

  constructor(topic: Topic) {
    this.topic = topic
  }

  changed(seq: number): void {
    this.seq = seq
    this.#frame = undefined
  }

  /** The latest change as bytes: encoded at most once, however many streams it goes to. */
  frame(encode: (state: TopicState) => Buffer): Buffer {
    return (this.#frame ??= encode(this))
  }
}

/**
 * Topic -> latest change. Not a log: MCP's change notifications carry no payload, so the newest change of a topic
 * replaces the one before. Memory grows with the topics that are watched, never with the number of changes.
 */
export class ChangeIndex {
  /** Tells this index from the one before a restart: a position of another epoch means nothing here. */
  readonly epoch = randomBytes(6).toString('base64url')
  readonly #topics = new Map<Topic, TopicState>()
  #seq = 0

  /** The sequence number of the latest change of all. */
  get seq(): number {
    return this.#seq
  }

  /** How many topics somebody watches. */
  get size(): number {
    return this.#topics.size
  }

  /** Records a change of the topic and offers it to its subscribers. Never waits for one of them. */
  publish(topic: Topic): void {
    const seq = ++this.#seq
    const state = this.#topics.get(topic)
    if (state === undefined) return
    state.changed(seq)
    for (const subscriber of state.subscribers) subscriber.offer(state)
  }

  /** The topic's state, with the subscriber among those who hear of it. */
  subscribe(topic: Topic, subscriber: Subscriber): TopicState {
    let state = this.#topics.get(topic)
    if (state === undefined) this.#topics.set(topic, (state = new TopicState(topic)))
    state.subscribers.add(subscriber)
    return state
  }

  unsubscribe(state: TopicState, subscriber: Subscriber): void {
    state.subscribers.delete(subscriber)
    if (state.subscribers.size === 0) this.#topics.delete(state.topic)
  }
}
