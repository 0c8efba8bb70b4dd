import {
  isNotification,
  metaKeys,
  recovery,
  type RequestId,
  type SubscriptionFilter,
} from '@tidings/protocol'
import { parseParams } from '@tidings/protocol/client'
import { Deferred } from '../async/deferred.ts'
import { after, LinkedController, onAbort, type Signal } from '../async/signals.ts'
import { ConnectionError, ProtocolError, TimeoutError } from '../errors.ts'
import { warnOfLeftOut } from '../logger.ts'
import type { ServerMessage } from '../transports/transport.ts'
import type { ModernCalls } from './modern-calls.ts'

const acknowledgement = 'notifications/subscriptions/acknowledged'
/** The changes that can come on a stream while another is opened in its place, and be told as one. */
const maxToldMeanwhile = 1_000

/** The server's acknowledgement of a stream. */
export interface Acknowledgement {
  /** The part of the filter that the server agreed to. */
  agreed: SubscriptionFilter
  /** Whether the stream brings every change since the position. Undefined when no position was sent. */
  recovered: boolean | undefined
}

/** The owner of a {@link ListenStream}. */
export interface ListenStreamOwner {
  /** The stream is open. */
  acknowledged(stream: ListenStream, acknowledgement: Acknowledgement): void
  /** The stream has ended: the server ended it, it broke, or {@link ListenStream.end} was called. */
  ended(stream: ListenStream, error: Error): void
}

/**
 * One stream of changes: the response to one `subscriptions/listen` request. The changes on it go on to the transport's
 * listener.
 */
export class ListenStream {
  /** Resolves when the stream is open. Rejects when it ends before that. */
  readonly acknowledged = new Deferred<void>()
  /** The position that the stream has reached, if the server sends it. */
  position: string | undefined
  readonly #owner: ListenStreamOwner
  readonly #calls: ModernCalls
  readonly #ending: LinkedController
  /** The positions of the changes that the stream before has brought since this one was asked for. */
  readonly #toldMeanwhile = new Set<string>()
  /** The stream that is being opened in place of this one. */
  #next: ListenStream | undefined
  #isAcknowledged = false

  constructor(
    filter: SubscriptionFilter,
    since: string | undefined,
    owner: ListenStreamOwner,
    calls: ModernCalls,
    closing: Signal,
  ) {
    this.#owner = owner
    this.#calls = calls
    this.#ending = new LinkedController(closing)
    const { connectTimeoutMs } = calls.timeouts
    const late = `The server has not acknowledged subscriptions/listen within ${connectTimeoutMs} ms`
    const stop = after(connectTimeoutMs, () => this.end(new TimeoutError(late)))
    onAbort(this.#ending.signal, stop)
    this.acknowledged.promise.then(stop, stop)
    this.#listen(filter, since).then(
      () => {
        const what = 'The server ended the stream of changes'
        this.#ended(
          this.#isAcknowledged ? new ConnectionError(what) : new ProtocolError(`${what} before it began`),
        )
      },
      (error: Error) => this.#ended(error),
    )
  }

  /** Ends the stream. Messages that arrive later are dropped. */
  end(error: Error = new ConnectionError('The stream of changes is not needed any more')): void {
    this.#ending.abort(error)
  }

  /** Another stream is being opened in place of this one: it does not tell what this one tells from now on. */
  isFollowedBy(next: ListenStream): void {
    this.#next = next
  }

  /** Ends the stream after a delay, so that changes under way on it are not lost. */
  endAfter(ms: number): void {
    onAbort(
      this.#ending.signal,
      after(ms, () => this.end()),
    )
  }

  /** Sends the request. The server answers it when it ends the stream. */
  #listen(filter: SubscriptionFilter, since: string | undefined): Promise<unknown> {
    const params = {
      notifications: filter,
      ...(since !== undefined && { _meta: { [recovery.since]: since } }),
    }
    return this.#calls.request('subscriptions/listen', params, {
      signal: this.#ending.signal,
      duringConnect: true,
      timeoutMs: Infinity,
      totalTimeoutMs: Infinity,
      isExpected: (message, id) => this.#take(message, id),
    })
  }

  #ended(error: Error): void {
    this.#ending.release()
    this.#ending.abort(error)
    this.acknowledged.reject(error)
    this.#owner.ended(this, error)
  }

  /** @returns whether the message is a change, to be delivered. */
  #take(message: ServerMessage, id: RequestId): boolean {
    if (this.#ending.signal.aborted) return false
    const meta = message.params?._meta ?? {}
    const isAck = message.method === acknowledgement
    if (!isNotification(message) || meta[metaKeys.subscriptionId] !== id || isAck === this.#isAcknowledged) {
      this.#calls.logger.warn(
        { message },
        'the server sent a message that does not belong on the stream of changes',
      )
      return false
    }
    const position = meta[recovery.position]
    if (typeof position === 'string') this.position = position
    if (!isAck) return typeof position !== 'string' || this.#isFirstToTell(position)
    const { notifications: agreed } = parseParams(
      acknowledgement,
      message.params,
      warnOfLeftOut(this.#calls.logger),
    )
    this.#isAcknowledged = true
    const recovered = meta[recovery.recovered] as boolean | undefined
    this.#owner.acknowledged(this, { agreed, recovered })
    this.acknowledged.resolve()
    return false
  }

  #isFirstToTell(position: string): boolean {
    if (this.#next !== undefined && this.#next.#toldMeanwhile.size < maxToldMeanwhile) {
      this.#next.#toldMeanwhile.add(position)
    }
    return !this.#toldMeanwhile.delete(position)
  }
}
