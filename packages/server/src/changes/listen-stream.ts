import {
  JSONRPC_VERSION,
  type List,
  listNames,
  lists,
  metaKeys,
  recovery,
  type RequestId,
  type SubscriptionFilter,
} from '@tidings/protocol'
import type { ChangeIndex } from './change-index.ts'
import { ChangeReader, type ChangeSink } from './change-reader.ts'
import type { MessageStream, StreamWriter } from './message-stream.ts'
import { formatPosition, listenFrame, listenFrameEnd } from './notification.ts'
import { bytesOfWatch, requireWatchable, topicKey, type TopicState } from './topic.ts'
import { bytesOf } from '../bytes-of.ts'

/** A `subscriptions/listen` request. */
export interface ListenRequest {
  id: RequestId
  filter: SubscriptionFilter
  /** The position of the recovery extension, if the client sent one. */
  since: unknown
  /** The time after which a client that has lost the stream is asked to come back. */
  retryMs: number
}

/**
 * One `subscriptions/listen` stream: the acknowledgement, then changes, each with the id of the request.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions
 */
export class ListenStream implements ChangeSink, StreamWriter {
  /** Called when the stream is closed. */
  onClose = () => {}
  readonly #id: RequestId
  readonly #stream: MessageStream
  readonly #changes: ChangeIndex
  readonly #reader: ChangeReader
  /** The end of each frame, the only part that differs from one stream to another. */
  readonly #frameEnd: string

  /**
   * @param isResource whether a URI belongs to a resource; other URIs are left out of the acknowledgement.
   * @param open opens the stream, given the number of resources it watches, and the bytes that it takes for what the client
   * sent. Its errors are passed on.
   * @throws {McpError} `invalidParams` when a URI is too long.
   */
  constructor(
    { id, filter, since, retryMs }: ListenRequest,
    changes: ChangeIndex,
    isResource: (uri: string) => boolean,
    open: (resources: number, bytes: number) => MessageStream,
  ) {
    const uris = [...new Set(filter.resourceSubscriptions)]
    uris.forEach(requireWatchable)
    const resources = uris.filter(isResource)
    const watchedLists = listNames.filter((list) => filter[lists[list].filter] === true)
    const from = positionOf(since, changes)
    this.#id = id
    this.#changes = changes
    this.#frameEnd = listenFrameEnd(id)
    this.#reader = new ChangeReader(changes, this)
    this.#stream = open(new Set(resources.map(topicKey)).size, bytesOfListen(id, resources))
    if (from !== undefined) this.#reader.rewind(from)
    const recovered = since === undefined ? undefined : from !== undefined
    const acknowledgement = this.#acknowledgement(acknowledged(watchedLists, filter, resources), recovered)
    this.#stream.write(`retry: ${retryMs}\n${frameOf(acknowledgement)}`)
    for (const topic of [...watchedLists, ...resources]) this.#reader.watch(topic, from)
    this.#stream.writer = this
    this.#reader.catchUp()
  }

  /** Ends the stream in good order: the request is answered, then the stream closes. */
  end(reason: string): void {
    this.release()
    const result = { resultType: 'complete', _meta: { [metaKeys.subscriptionId]: this.#id } }
    this.#stream.write(frameOf({ id: this.#id, result }))
    this.#stream.end(reason)
  }

  /** Ends all watches. */
  release(): void {
    this.#reader.clear()
  }

  isReady(): boolean {
    return this.#stream.ready
  }

  write(state: TopicState): void {
    this.#stream.write(state.frame(listenFrame) + this.#frameEnd)
  }

  streamReady(): void {
    this.#reader.catchUp()
  }

  streamClosed(): void {
    this.release()
    this.onClose()
  }

  #acknowledgement(notifications: SubscriptionFilter, recovered: boolean | undefined): object {
    return {
      method: 'notifications/subscriptions/acknowledged',
      params: {
        notifications,
        _meta: {
          [metaKeys.subscriptionId]: this.#id,
          [recovery.position]: formatPosition(this.#changes.epoch, this.#reader.position),
          ...(recovered !== undefined && { [recovery.recovered]: recovered }),
        },
      },
    }
  }
}

function frameOf(message: object): string {
  return `data: ${JSON.stringify({ jsonrpc: JSONRPC_VERSION, ...message })}\n\n`
}

/** The id is held twice: as it came, and in the end of each frame. */
function bytesOfListen(id: RequestId, uris: readonly string[]): number {
  return uris.reduce((sum, uri) => sum + bytesOfWatch(uri), 2 * bytesOf(String(id)))
}

/** The part of the filter that the server honours. */
function acknowledged(
  watchedLists: readonly List[],
  { resourceSubscriptions }: SubscriptionFilter,
  resources: string[],
): SubscriptionFilter {
  return {
    ...Object.fromEntries(watchedLists.map((list) => [lists[list].filter, true])),
    ...(resourceSubscriptions !== undefined && { resourceSubscriptions: resources }),
  }
}

/** The sequence number of a position, if all changes since then are known. */
function positionOf(since: unknown, changes: ChangeIndex): number | undefined {
  if (typeof since !== 'string') return undefined
  const match = /^([\w-]{1,16})\.(\d{1,15})$/.exec(since)
  if (match?.[1] !== changes.epoch) return undefined
  const seq = Number(match[2])
  return changes.isComplete(seq) ? seq : undefined
}
