import { JSONRPC_VERSION, metaKeys, type RequestId, type SubscriptionFilter } from '@tidings/protocol'
import type { ChangeIndex, List, Topic, TopicState } from './change-index.ts'
import { changeNotification } from './notification.ts'
import { Subscriber } from './change-reader.ts'
import type { MessageStream, StreamOwner } from '../sessions/channel.ts'

/**
 * The names of the recovery extension: a client that lost its stream says up to where it has been told, and is told
 * what changed since. See PROTOCOL.md.
 */
export const recovery = {
  extension: 'dev.tidings/recovery',
  /** Of a listen request: the position it was told of last. */
  since: 'dev.tidings/since',
  /** Of what is sent on the stream: up to where the client has been told when it has read this. */
  position: 'dev.tidings/position',
  /** Of the acknowledgement: whether what follows is all that changed since. */
  recovered: 'dev.tidings/recovered',
} as const

const lists: readonly (readonly [keyof SubscriptionFilter, List])[] = [
  ['toolsListChanged', 'tools'],
  ['promptsListChanged', 'prompts'],
  ['resourcesListChanged', 'resources'],
]

/** What a listen request asks for, and from where on. */
export interface ListenRequest {
  id: RequestId
  filter: SubscriptionFilter
  /** The position of the recovery extension, if the client gave one. */
  since: unknown
}

/**
 * One `subscriptions/listen` stream: acknowledged first, then what changes, tagged with the id of its request.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions
 */
export class Subscription implements StreamOwner {
  /** Called when its stream is closed. */
  onClose = () => {}
  readonly #id: RequestId
  readonly #stream: MessageStream
  readonly #changes: ChangeIndex
  readonly #subscriber: Subscriber
  /** The end of each frame, the only part that differs from one stream to another. */
  readonly #tail: string

  /**
   * @param isResource whether a URI is of a resource; others are left out.
   * @param open opens its stream, told how many resources it watches. What that throws is thrown on.
   */
  constructor(
    { id, filter, since }: ListenRequest,
    changes: ChangeIndex,
    isResource: (uri: string) => boolean,
    open: (resources: number) => MessageStream,
  ) {
    const resources = [...new Set(filter.resourceSubscriptions)].filter(isResource)
    const honoured = lists.filter(([name]) => filter[name] === true)
    const from = positionOf(since, changes)
    this.#id = id
    this.#changes = changes
    this.#tail = `${JSON.stringify(id)}}}}\n\n`
    this.#subscriber = new Subscriber(changes, {
      isReady: () => this.#stream.ready,
      write: (state) => this.#stream.write(state.frame(encodeChange) + this.#tail),
    })
    this.#stream = open(resources.length)
    if (from !== undefined) this.#subscriber.rewind(from)
    this.#acknowledge(
      {
        ...Object.fromEntries(honoured.map(([name]) => [name, true])),
        ...(filter.resourceSubscriptions !== undefined && { resourceSubscriptions: resources }),
      },
      since === undefined ? undefined : from !== undefined,
    )
    const topics: Topic[] = [...honoured.map(([, list]) => list), ...resources]
    for (const topic of topics) this.#subscriber.watch(topic, from)
    this.#stream.owner = this
    this.#subscriber.catchUp()
  }

  /** Ends it gracefully: the request is answered, the stream closed. */
  end(reason: string): void {
    this.release()
    const result = { resultType: 'complete', _meta: { [metaKeys.subscriptionId]: this.#id } }
    this.#write({ id: this.#id, result })
    this.#stream.end(reason)
  }

  streamReady(): void {
    this.#subscriber.catchUp()
  }

  streamClosed(): void {
    this.release()
    this.onClose()
  }

  /** Watches nothing any more. */
  release(): void {
    this.#subscriber.clear()
  }

  #acknowledge(notifications: SubscriptionFilter, recovered: boolean | undefined): void {
    this.#write({
      method: 'notifications/subscriptions/acknowledged',
      params: {
        notifications,
        _meta: {
          [metaKeys.subscriptionId]: this.#id,
          [recovery.position]: formatPosition(this.#changes.epoch, this.#subscriber.position),
          ...(recovered !== undefined && { [recovery.recovered]: recovered }),
        },
      },
    })
  }

  #write(message: object): void {
    this.#stream.write(`data: ${JSON.stringify({ jsonrpc: JSONRPC_VERSION, ...message })}\n\n`)
  }
}

// All but the subscription's id, which is last.
function encodeChange({ topic, seq, epoch }: TopicState): string {
  // Of what may have changed nobody knows when: there is no position to come back from.
  const position = seq === 0 ? '' : `"${recovery.position}":${JSON.stringify(formatPosition(epoch, seq))},`
  const whole = changeNotification(topic, `{${position}"${metaKeys.subscriptionId}":0}`)
  return `data: ${whole.slice(0, -'0}}}'.length)}`
}

function formatPosition(epoch: string, seq: number): string {
  return `${epoch}.${seq}`
}

/** The sequence number of a position from which on all changes are known. */
function positionOf(since: unknown, changes: ChangeIndex): number | undefined {
  if (typeof since !== 'string') return undefined
  const match = /^([\w-]{1,16})\.(\d{1,15})$/.exec(since)
  if (match?.[1] !== changes.epoch) return undefined
  const seq = Number(match[2])
  return changes.isComplete(seq) ? seq : undefined
}
