import { errorCodes, type List, McpError, normalUri } from '@tidings/protocol'
import { bytesOf } from '../bytes-of.ts'

/**
 * Something that can change: one of the three lists, or one resource, named with its URI. A URI has a scheme and so a
 * colon: it is never the name of a list.
 */
export type Topic = List | (string & {})

/** True for a resource, false for one of the lists. */
export function isUri(topic: Topic): boolean {
  return topic.includes(':')
}

/** The number of characters that a watched URI may have. */
const maxUriLength = 8_192

/** The bytes of a watch besides the URI, measured: the entries of the maps that find it. */
const watchRecordBytes = 512

/** @throws {McpError} `invalidParams` when the URI is longer than a watched one may be. */
export function requireWatchable(uri: string): void {
  const { length } = topicKey(uri)
  if (length <= maxUriLength) return
  const message = `A watched URI must not be longer than ${maxUriLength} characters, percent-encoded; got one of ${length}`
  throw new McpError(errorCodes.invalidParams, message)
}

/** The bytes that a watch of the URI takes: the URI itself, and the text of its latest change in two encodings. */
export function bytesOfWatch(uri: string): number {
  return watchRecordBytes + 3 * bytesOf(uri)
}

/** Hears of the changes of the topics it watches. */
export interface TopicListener {
  /** The topic has just changed. */
  offer(state: TopicState): void
  /** The change index has begun anew: each watched topic may have changed. */
  lost(): void
}

/** The key of a topic: all spellings of a URI have the same. */
export function topicKey(topic: Topic): string {
  return normalUri(topic)
}

/** A topic, the sequence number of its latest change, and its listeners. */
export class TopicState {
  /** As its listeners spell it: they are told of it under this name. */
  readonly topic: Topic
  /** The same resource under another spelling, with listeners of its own. */
  other: TopicState | undefined
  /** The epoch of the index. */
  epoch: string
  readonly listeners = new Set<TopicListener>()
  /** 0 until the topic first changes, and for a topic that may have changed at an unknown time. */
  seq = 0
  /** The tick of the index in which its listeners last heard of a change at once. */
  toldIn = -1
  /** The latest change as text, in each encoding that was asked for. */
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

  /** The latest change as text. Each encoding runs at most once per change, whatever the number of streams. */
  frame(encode: Encode): string {
    // A list, since there are at most two encodings: a map per change would cost more than the encoding.
    let frame = this.#frames
    while (frame !== undefined && frame.encode !== encode) frame = frame.next
    frame ??= this.#frames = { encode, text: encode(this), next: this.#frames }
    return frame.text
  }
}

/** Makes text of a topic's latest change. */
type Encode = (state: TopicState) => string

interface Frame {
  readonly encode: Encode
  readonly text: string
  readonly next: Frame | undefined
}
