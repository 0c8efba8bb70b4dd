import {
  isNotification,
  type JSONRPCMessage,
  type JSONRPCNotification,
  metaKeys,
  type ParamsOf,
  parseParamsToClient,
  type RequestId,
  type SubscriptionFilter,
} from '@tidings/protocol'
import type { CallOptions } from '../calls/calls.ts'
import { Deferred } from '../async/deferred.ts'
import { ConnectionError, ProtocolError, TimeoutError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { after, LinkedController, onAbort, type Signal } from '../async/signals.ts'

const acknowledgement = 'notifications/subscriptions/acknowledged'

/** What a server offers that can say what was missed, and the keys of `_meta` by which it does. */
export const recovery = {
  extension: 'dev.tidings/recovery',
  since: 'dev.tidings/since',
  position: 'dev.tidings/position',
  recovered: 'dev.tidings/recovered',
} as const

/** What a server has agreed to. */
export interface Acknowledgement {
  /** What it tells of, which may be less than was asked for. */
  agreed: SubscriptionFilter
  /** Whether nothing was missed; undefined when it was not asked. */
  recovered: boolean | undefined
}

/** What every {@link ListenStream} is made with. */
export interface ListenStreamOptions {
  /** Makes the request that opens a stream. It is answered when the server ends the stream. */
  listen: (
    params: ParamsOf<'subscriptions/listen'>,
    options: Pick<CallOptions, 'signal' | 'received'>,
  ) => Promise<unknown>
  /** It is open. */
  acknowledged: (stream: ListenStream, acknowledgement: Acknowledgement) => void
  /** Something has changed. */
  receive: (message: JSONRPCNotification) => void
  /** It has ended, by itself or by {@link ListenStream.end}. */
  ended: (stream: ListenStream, error: Error) => void
  ackTimeoutMs: number
  closing: Signal
  logger: Logger
}

/** One stream of changes: what the server answers one `subscriptions/listen` with. */
export class ListenStream {
  /** Resolves when it is open. Rejects when it has ended without. */
  readonly acknowledged = new Deferred<void>()
  /** How far the server has told, if it says. */
  position: string | undefined
  readonly #options: ListenStreamOptions
  readonly #ending: LinkedController
  #isAcknowledged = false

  constructor(filter: SubscriptionFilter, since: string | undefined, options: ListenStreamOptions) {
    const { ackTimeoutMs, closing, listen } = options
    this.#options = options
    this.#ending = new LinkedController(closing)
    const { signal } = this.#ending
    const late = `The server has not acknowledged subscriptions/listen within ${ackTimeoutMs} ms`
    const stop = after(ackTimeoutMs, () => this.end(new TimeoutError(late)))
    onAbort(signal, stop)
    this.acknowledged.promise.then(stop, stop)
    listen(
      { notifications: filter, ...(since !== undefined && { _meta: { [recovery.since]: since } }) },
      { signal, received: (message, id) => this.#received(message, id) },
    ).then(
      () => {
        const what = 'The server ended the stream of changes'
        this.#ended(
          this.#isAcknowledged ? new ConnectionError(what) : new ProtocolError(`${what} before it began`),
        )
      },
      (error: Error) => this.#ended(error),
    )
  }

  /** Ends it. Nothing of what is still under way on it is given. */
  end(error: Error = new ConnectionError('The stream of changes is not needed any more')): void {
    this.#ending.abort(error)
  }

  /** Ends it in a while, so that what is under way on it is not lost. */
  endAfter(ms: number): void {
    onAbort(
      this.#ending.signal,
      after(ms, () => this.end()),
    )
  }

  #ended(error: Error): void {
    this.#ending.release()
    this.#ending.abort(error)
    this.acknowledged.reject(error)
    this.#options.ended(this, error)
  }

  #received(message: JSONRPCMessage, id: RequestId): void {
    const { acknowledged, logger, receive } = this.#options
    if (this.#ending.signal.aborted) return
    const meta = ('params' in message && message.params?._meta) || {}
    const isAck = 'method' in message && message.method === acknowledgement
    if (!isNotification(message) || meta[metaKeys.subscriptionId] !== id || isAck === this.#isAcknowledged) {
      return logger.warn({ message }, 'the server sent what does not belong on the stream of changes')
    }
    if (typeof meta[recovery.position] === 'string') this.position = meta[recovery.position] as string
    if (!isAck) return receive(message)
    const { notifications: agreed } = parseParamsToClient(acknowledgement, message.params)
    this.#isAcknowledged = true
    acknowledged(this, { agreed, recovered: meta[recovery.recovered] as boolean | undefined })
    this.acknowledged.resolve()
  }
}
