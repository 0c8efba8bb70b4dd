import type { ChangeIndex, Topic, TopicState } from '../changes/change-index.ts'
import { changeNotification } from '../changes/notification.ts'
import { type ChangeSink, Subscriber } from '../changes/change-reader.ts'
import { type EventId, formatEventId } from './event-id.ts'
import { Mailbox, type MailboxLimits } from './mailbox.ts'

/** Who writes to a stream. */
export interface StreamOwner {
  /** The reader's socket was full, and no longer is. */
  streamReady(): void
  streamClosed(stream: MessageStream): void
}

/** An open stream, as far as who writes to it is concerned. */
export interface MessageStream {
  /** False while the reader's socket is full. */
  readonly ready: boolean
  owner: StreamOwner | undefined
  write(frame: string): void
  /** Ends the stream; the reason, if there is one, is told to the reader in a comment. */
  end(reason?: string): void
}

/** What a channel has of the session it belongs to. */
export interface ChannelHome {
  /** What the event ids of the session carry. */
  readonly key: string
  readonly changes: ChangeIndex
  readonly mailboxLimits: MailboxLimits
  /** More waits than may. */
  overflowed(channel: Channel): void
  attached(channel: Channel): void
  detached(channel: Channel): void
}

/**
 * What goes to a client on one stream, over the connections that this may take: messages in order, and changes by
 * state. A session has one for itself, and over Streamable HTTP another for each request that is answered by a stream.
 */
export class Channel implements ChangeSink, StreamOwner {
  /** Undefined for the session's own. */
  readonly number: number | undefined
  readonly #home: ChannelHome
  readonly #mailbox: Mailbox
  readonly #subscriber: Subscriber
  #epoch: string
  #formerEpoch: string | undefined
  #idPrefix: string
  #stream: MessageStream | undefined
  #complete = false

  constructor(home: ChannelHome, number?: number) {
    this.#home = home
    this.number = number
    this.#mailbox = new Mailbox(home.mailboxLimits)
    this.#epoch = home.changes.epoch
    this.#idPrefix = this.#prefix()
    this.#subscriber = new Subscriber(home.changes, this)
  }

  /** True while the client has a stream open. */
  get attached(): boolean {
    return this.#stream !== undefined
  }

  /** True when all has been sent, and written. */
  get finished(): boolean {
    return this.#complete && this.#mailbox.waiting === 0
  }

  /** How many messages are held for the client, those kept for its return included. */
  get size(): number {
    return this.#mailbox.size
  }

  watch(topic: Topic): void {
    this.#subscriber.watch(topic)
  }

  unwatch(topic: Topic): void {
    this.#subscriber.unwatch(topic)
  }

  unwatchAll(): void {
    this.#subscriber.clear()
  }

  /**
   * Sends a message, as JSON, in order; kept while there is no stream, or it is full.
   *
   * @param mergeKey a message that still waits under the same key is replaced.
   */
  send(json: string, mergeKey?: string): void {
    if (this.#mailbox.post(json, mergeKey)) this.#pump()
    else this.#home.overflowed(this)
  }

  /** Nothing more will be sent: the stream ends when all is written, and so does one that is opened for the rest. */
  complete(): void {
    this.#complete = true
    this.#pump()
  }

  /**
   * Gives the channel its stream, in place of the one it may have.
   *
   * @param greeting what is written before everything else, given the id of what the client has been told last.
   */
  attach(stream: MessageStream, greeting: (eventId: string) => string | undefined): void {
    this.#stream?.end('replaced by a newer stream')
    this.#stream = stream
    this.#home.attached(this)
    stream.owner = this
    const frame = greeting(this.#lastEventId())
    if (frame !== undefined) stream.write(frame)
    this.#pump()
  }

  /** Lets go of the stream; what is sent from now on waits for the client to come back. */
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
   * @returns false when that cannot be done without a loss: messages it lacks are gone, or the id was never written.
   */
  rewind({ epoch, position, mail }: EventId): boolean {
    const reached = this.#subscriber.position
    if (epoch === this.#epoch) {
      return position <= reached && this.#mailbox.rewind(position, mail) && this.#subscriber.rewind(position)
    }
    // The index has begun anew since, but messages have numbers of their own.
    if (epoch !== this.#formerEpoch || mail === undefined) return false
    return this.#mailbox.rewind(0, mail) && this.#subscriber.rewind(0)
  }

  /** Tells again all that has changed since the watches began, to a client of whom it is not known what it was told. */
  rewindToBeginning(): void {
    this.#subscriber.rewind(0)
  }

  /** Lets go of what was kept for the client's return for long enough. */
  trim(now: number): void {
    this.#mailbox.trim(now)
  }

  /** For its stream, as is `streamClosed`. */
  streamReady(): void {
    this.#pump()
  }

  streamClosed(stream: MessageStream): void {
    if (this.#stream === stream) this.#detach()
  }

  /** For its subscriber, as are `write` and `lost`. */
  isReady(): boolean {
    return this.#stream !== undefined && this.#stream.ready
  }

  write(state: TopicState): void {
    this.#stream!.write(state.seq === 0 ? this.#doubt(state) : this.#idPrefix + state.frame(encodeChange))
  }

  lost(): void {
    this.#formerEpoch = this.#epoch
    this.#epoch = this.#home.changes.epoch
    this.#idPrefix = this.#prefix()
    this.#mailbox.positionsLost()
  }

  /** Ends it: the stream is closed, nothing is watched. */
  end(reason: string): void {
    this.#subscriber.clear()
    const stream = this.#stream
    this.#stream = undefined
    stream?.end(reason)
  }

  #detach(): void {
    this.#stream = undefined
    this.#home.detached(this)
  }

  #pump(): void {
    const stream = this.#stream
    const now = Date.now()
    while (stream?.ready) {
      const mail = this.#mailbox.take(this.#subscriber.position, now)
      if (mail === undefined) {
        this.#subscriber.catchUp()
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
    return ['id: ', this.#home.key, '.', this.#epoch, '.'].join('')
  }

  /** Tells of a topic that may have changed. Its id has no change to go by, and so names the message before it. */
  #doubt({ topic }: TopicState): string {
    const notification = changeNotification(topic)
    return `id: ${this.#lastEventId()}\nevent: message\ndata: ${notification}\n\n`
  }

  get #idSuffix(): string {
    return this.number === undefined ? '' : `.${this.number}`
  }

  #lastEventId(): string {
    return formatEventId({
      session: this.#home.key,
      epoch: this.#home.changes.epoch,
      position: this.#subscriber.position,
      mail: this.#mailbox.lastWritten,
      channel: this.number,
    })
  }
}

// The id prefix, which differs from stream to stream, goes before it; the rest is the same text for all.
function encodeChange({ seq, topic }: TopicState): string {
  return `${seq}\nevent: message\ndata: ${changeNotification(topic)}\n\n`
}
