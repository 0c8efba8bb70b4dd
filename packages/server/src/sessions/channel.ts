import type { RequestId } from '@tidings/protocol'
import type { ChangeIndex } from '../changes/change-index.ts'
import { ChangeReader, type ChangeSink } from '../changes/change-reader.ts'
import type { MessageStream, StreamWriter } from '../changes/message-stream.ts'
import { changeNotification, sessionFrame } from '../changes/notification.ts'
import type { Topic, TopicState } from '../changes/topic.ts'
import { type EventId, formatEventId } from './event-id.ts'
import type { Keeper } from '../byte-quota.ts'
import { Mailbox, type MailboxOwner, type MailRecord } from './mailbox.ts'
import { Place } from './place.ts'

/** A channel, for another node to go on with. */
export interface ChannelRecord {
  /** The epoch that positions belong to. */
  readonly epoch: string
  readonly mail: MailRecord
  /** What it watches, and the position from which on each is told. */
  readonly watches: readonly (readonly [topic: Topic, since: number])[]
}

/** The session of a channel, as the channel sees it. */
export interface ChannelOwner extends MailboxOwner {
  /** The part of its event ids that names the session. */
  readonly key: string
  readonly changes: ChangeIndex
  /** False when more bytes are held than the limits allow, though kept messages were let go. */
  hasRoom(): boolean
  /** Messages wait to be written. */
  mailWaits(): void
  /** More messages wait than the limits allow. */
  overflowed(channel: Channel): void
  attached(channel: Channel): void
  detached(channel: Channel): void
}

const noRequests: readonly RequestId[] = []

/** The time that a client without a stream has to open its first, when something waits for it there. */
const firstStreamWithinMs = 3_000

/**
 * The messages to a client on one stream, across the connections that the stream may need: messages in order, and changes
 * from state. A session has a channel of its own. Over Streamable HTTP each request that is answered with a stream has
 * another.
 */
export class Channel implements ChangeSink, StreamWriter, Keeper {
  /** Undefined for the session's own channel. */
  readonly number: number | undefined
  /** The requests that are answered on it, unless it is the session's own. */
  readonly requests: readonly RequestId[]
  readonly #owner: ChannelOwner
  readonly #mailbox: Mailbox
  readonly #reader: ChangeReader
  #epoch: string
  #formerEpoch: string | undefined
  #idPrefix: string
  #stream: MessageStream | undefined
  /** When a former home has sent the beginning: from which position on all changes were known here. */
  #restoredFrom: number | undefined
  #complete = false
  #ended = false
  /** Once a stream took the place of another. */
  #place: Place | undefined
  /** The time when the client lost its stream, by `performance.now()`; undefined before it had one. */
  #leftAt: number | undefined

  constructor(owner: ChannelOwner, number?: number, requests: readonly RequestId[] = noRequests) {
    this.#owner = owner
    this.number = number
    this.requests = requests
    this.#mailbox = new Mailbox(owner)
    this.#epoch = owner.changes.epoch
    this.#idPrefix = this.#prefix()
    this.#reader = new ChangeReader(owner.changes, this)
  }

  /** All that another node needs to go on where this one is. */
  get record(): ChannelRecord {
    return { epoch: this.#epoch, mail: this.#mailbox.record, watches: this.#reader.watches }
  }

  /** Goes on where the channel of another node was. Its watches are begun by the session. */
  restore({ epoch, mail }: ChannelRecord): void {
    this.#restoredFrom = this.#owner.changes.completeFrom
    this.#mailbox.restore(mail, performance.now())
    if (epoch !== this.#epoch) {
      this.#formerEpoch = epoch
      this.#mailbox.positionsLost()
    }
  }

  /** True while messages wait to be written. */
  get isWaiting(): boolean {
    return this.#mailbox.waiting > 0
  }

  /** True while the client has a stream open. */
  get attached(): boolean {
    return this.#stream !== undefined
  }

  /** True when nothing more will be sent, and all messages are written. */
  get finished(): boolean {
    return this.#complete && this.#mailbox.waiting === 0
  }

  /** True when a message that was sent at some time waits in vain: the client was not there since, for as long as it may be away. */
  isLost(sentAt: number, now: number): boolean {
    if (this.attached) return false
    const { keepMs } = this.#owner.mailboxLimits
    if (this.#leftAt === undefined) return now - sentAt >= Math.min(keepMs, firstStreamWithinMs)
    return now - Math.max(sentAt, this.#leftAt) >= keepMs
  }

  /** The number of messages held for the client, including those kept for its return. */
  get size(): number {
    return this.#mailbox.size
  }

  /** @param since changes after this position are told. Default: the latest change. */
  watch(topic: Topic, since?: number): void {
    this.#reader.watch(topic, since)
  }

  unwatch(topic: Topic): void {
    this.#reader.unwatch(topic)
  }

  unwatchAll(): void {
    this.#reader.clear()
  }

  get keptSince(): number {
    return this.#mailbox.keptSince
  }

  /**
   * Sends a message, as JSON, in order. It waits while there is no stream, or it is full, and needs room only then: one that is
   * written at once may have any size, and is kept for the client's return if there is room.
   *
   * @param mergeKey a message that still waits under the same key is replaced.
   */
  send(json: string, mergeKey?: string): void {
    if (this.#ended) return
    this.#mailbox.post(json, mergeKey)
    this.#pump()
    const hasRoom = this.#owner.hasRoom() && !this.#mailbox.overfull
    if (!hasRoom && this.#mailbox.waiting > 0) this.#owner.overflowed(this)
    else if (this.#mailbox.waiting > 0) this.#owner.mailWaits()
  }

  /** Nothing more will be sent: the stream ends when all is written, and so does a stream that is opened for the rest. */
  complete(): void {
    this.#complete = true
    this.#pump()
  }

  /**
   * Waits for the turn of another stream, where streams have taken the place from one another. Undefined when it may be
   * attached now. Ask again afterwards.
   *
   * @throws {Refusal} 409 when others wait already.
   */
  turn(whenClosed: (callback: () => void) => void): Promise<void> | undefined {
    return this.#place?.turn(whenClosed)
  }

  /**
   * Gives the channel its stream, in place of the one it may have.
   *
   * @param greeting makes the first frame, given the id of the last event the client was sent.
   */
  attach(stream: MessageStream, greeting: (eventId: string) => string | undefined): void {
    if (this.#stream !== undefined) (this.#place ??= new Place()).taken()
    this.#stream?.end('replaced by a newer stream')
    this.#stream = stream
    this.#owner.attached(this)
    stream.writer = this
    const frame = greeting(this.#lastEventId())
    if (frame !== undefined) stream.write(frame)
    this.#pump()
  }

  /** Ends the stream. Later messages wait for the client to come back. */
  release(frame?: string): void {
    const stream = this.#stream
    if (stream === undefined) return
    if (frame !== undefined) stream.write(frame)
    this.#detach()
    stream.end()
  }

  /**
   * Goes back to where a returning client left off.
   *
   * @returns false when messages that the client lacks are gone, or the id was never written.
   */
  rewind(eventId: EventId): boolean {
    if (this.#restoredFrom !== undefined) return this.#rewindRestored(eventId)
    const { epoch, position, mail } = eventId
    const reached = this.#reader.position
    if (epoch === this.#epoch) {
      return position <= reached && this.#mailbox.rewind(position, mail) && this.#reader.rewind(position)
    }
    // The index has begun anew since.
    if (epoch !== this.#formerEpoch) return false
    return this.#mailbox.rewindFormer(position, mail) && this.#reader.rewind(0)
  }

  /**
   * The client was told on by a former home, after that had recorded the channel: of the position, only the client knows. What
   * the former home had not stored is lost whatever is done, and no reason to begin anew.
   */
  #rewindRestored({ epoch, position, mail }: EventId): boolean {
    const isSameOrder = epoch === this.#epoch
    const isBack =
      epoch === this.#formerEpoch
        ? this.#mailbox.rewindFormer(position, mail)
        : this.#mailbox.rewind(isSameOrder ? position : 0, mail)
    if (!isBack) return false
    if (isSameOrder) this.#reader.goTo(position, this.#restoredFrom!)
    else this.#reader.doubt()
    return true
  }

  /** Tells of all that is watched: nothing is known of what the client was told. */
  doubt(): void {
    this.#reader.doubt()
  }

  /** Tells again everything that changed since the watches began: nothing is known of what the client was told. */
  rewindToBeginning(): void {
    this.#reader.rewind(0)
  }

  /** Drops messages that were kept for the client's return for long enough. */
  trim(now: number): void {
    this.#mailbox.trim(now)
  }

  letGo(time: number): number {
    return this.#mailbox.letGo(time)
  }

  streamReady(): void {
    this.#pump()
  }

  streamClosed(stream: MessageStream): void {
    if (this.#stream === stream) this.#detach()
  }

  isReady(): boolean {
    return this.#stream !== undefined && this.#stream.ready
  }

  write(state: TopicState): void {
    this.#stream!.write(state.seq === 0 ? this.#doubt(state) : this.#idPrefix + state.frame(sessionFrame))
  }

  lost(): void {
    this.#formerEpoch = this.#epoch
    this.#epoch = this.#owner.changes.epoch
    this.#idPrefix = this.#prefix()
    this.#mailbox.positionsLost()
  }

  /** Closes the stream, ends all watches and drops all messages. */
  end(reason: string): void {
    this.#ended = true
    this.#reader.clear()
    this.#mailbox.clear()
    const stream = this.#stream
    this.#stream = undefined
    stream?.end(reason)
    this.#place?.end()
  }

  #detach(): void {
    this.#stream = undefined
    this.#leftAt = performance.now()
    this.#owner.detached(this)
    this.#place?.left()
  }

  #pump(): void {
    const stream = this.#stream
    const now = performance.now()
    while (stream?.ready) {
      const mail = this.#mailbox.take(this.#reader.position, now)
      if (mail === undefined) {
        this.#reader.catchUp()
        if (this.#complete) this.release()
        break
      }
      const id = `${this.#idPrefix}${mail.position}.${mail.number}${this.#idSuffix}`
      stream.write(`${id}\nevent: message\ndata: ${mail.data}\n\n`)
    }
    this.#mailbox.trim(now)
  }

  #prefix(): string {
    // Joined by `+` it would be kept as the pieces it is made of.
    return ['id: ', this.#owner.key, '.', this.#epoch, '.'].join('')
  }

  /**
   * Tells of a topic that may have changed. Such an event has no change to name, so it has no id: a client takes an event with
   * an id that it has seen for a repetition. Where to come back to stands before it.
   */
  #doubt({ topic }: TopicState): string {
    return `id: ${this.#lastEventId()}\n\nevent: message\ndata: ${changeNotification(topic)}\n\n`
  }

  get #idSuffix(): string {
    return this.number === undefined ? '' : `.${this.number}`
  }

  #lastEventId(): string {
    return formatEventId({
      session: this.#owner.key,
      epoch: this.#owner.changes.epoch,
      position: this.#reader.position,
      mail: this.#mailbox.lastWritten,
      channel: this.number,
    })
  }
}
