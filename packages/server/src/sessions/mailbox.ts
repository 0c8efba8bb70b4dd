import { bytesOf } from '../bytes-of.ts'

/** Bounds on the messages of one stream that wait to be written, and on those that are kept for the client's return. */
export interface MailboxLimits {
  maxMessages: number
  /** The time that a message is kept after it was written. */
  keepMs: number
}

/** Counts the bytes of the messages of its mailboxes. */
export interface MailboxOwner {
  readonly mailboxLimits: MailboxLimits
  /**
   * So many more are held, or less when negative.
   *
   * @param kept so many more, or less, of those held were written already: they can be done without.
   */
  holds(bytes: number, kept: number): void
}

/** The bytes of a message besides its text, measured: its record, and the place of that. */
const recordBytes = 160

/** The numbers that one home of a session can give, before they are those of the next. */
const numbersOfHome = 2 ** 30

/** The number of the home, among those of the session, that has recorded the mailbox: 0 for the first. */
export function homeOf({ lastNumber }: MailRecord): number {
  return Math.floor(lastNumber / numbersOfHome)
}

/** A mailbox, for another node to go on with. */
export interface MailRecord {
  /** Number, JSON, and the position at which it was written. */
  readonly messages: readonly (readonly [number: number, data: string, position: number])[]
  /** The number of messages, among the first, that were written. */
  readonly written: number
  readonly lastNumber: number
  readonly lastWritten: number
  readonly letGo: readonly [number: number, position: number]
}

/** Of a mailbox to which nothing was posted. */
export const emptyMail: MailRecord = {
  messages: [],
  written: 0,
  lastNumber: 0,
  lastWritten: 0,
  letGo: [0, -1],
}

/** A message on a stream that is not a change: a response, a request to the client, progress, a log message. */
export interface Mail {
  /** Ascending in posting order: 1, 2, 3 ... at the first home of the session. */
  readonly number: number
  data: string
  /** The bytes that it takes on the heap. */
  bytes: number
  readonly mergeKey: string | undefined
  /** The position of the reader when this was written. It places mail between changes. */
  position: number
  /** The same in the order before, if this was written before the order began anew. */
  formerPosition?: number | undefined
  /** The time when it was written, by `performance.now()`. */
  time: number
}

/**
 * The ordered messages of one stream that must not be merged. Written messages are kept for a while, so that a reader that
 * returns gets those that were lost. The owner bounds the bytes.
 */
export class Mailbox {
  readonly #owner: MailboxOwner
  /** Written messages first, then those that wait; with ascending numbers. */
  #mail: Mail[] = []
  #written = 0
  #lastNumber = 0
  /** The number of the last message that the reader was sent. */
  #lastWritten = 0
  /** The number and the position of the newest message that was written and is no longer kept. */
  #letGoNumber = 0
  /** The greatest number that a former home can have given. */
  #restoredTo = 0
  #letGoPosition = -1
  /** The same in the order before; `Infinity` when it was written since. */
  #letGoFormerPosition = -1

  constructor(owner: MailboxOwner) {
    this.#owner = owner
  }

  /** The number of messages that wait to be written. */
  get waiting(): number {
    return this.#mail.length - this.#written
  }

  /** True when more messages wait than may. */
  get overfull(): boolean {
    return this.waiting > this.#owner.mailboxLimits.maxMessages
  }

  /** The number of messages held, written ones included. */
  get size(): number {
    return this.#mail.length
  }

  /** The number of the last message that was written; 0 before the first. */
  get lastWritten(): number {
    return this.#lastWritten
  }

  /** All that another mailbox needs to go on where this one is. */
  get record(): MailRecord {
    return {
      messages: this.#mail.map(({ number, data, position }) => [number, data, position]),
      written: this.#written,
      lastNumber: this.#lastNumber,
      lastWritten: this.#lastWritten,
      letGo: [this.#letGoNumber, this.#letGoPosition],
    }
  }

  /**
   * Goes on where the mailbox of another node was. Messages that are posted from now on have numbers that it cannot have
   * given, whatever it has sent since it was recorded.
   */
  restore(record: MailRecord, now: number): void {
    const { messages, written, lastWritten, letGo } = record
    this.#mail = messages.map(([number, data, position]) => {
      const bytes = bytesOf(data) + recordBytes
      return { number, data, bytes, mergeKey: undefined, position, time: now }
    })
    this.#written = written
    this.#lastNumber = (homeOf(record) + 1) * numbersOfHome
    this.#restoredTo = this.#lastNumber
    this.#lastWritten = lastWritten
    ;[this.#letGoNumber, this.#letGoPosition] = letGo
    this.#owner.holds(sizeOf(this.#mail), sizeOf(this.#mail.slice(0, written)))
  }

  /** The time when the oldest message that is kept was written. `Infinity` when none is. */
  get keptSince(): number {
    return this.#written === 0 ? Infinity : this.#mail[0]!.time
  }

  /** Adds a message. With a `mergeKey` it replaces the message that waits under the same key (progress with one token). */
  post(data: string, mergeKey?: string): void {
    const bytes = bytesOf(data) + recordBytes + (mergeKey?.length ?? 0)
    const merged = mergeKey === undefined ? undefined : this.#waitingUnder(mergeKey)
    if (merged !== undefined) {
      this.#owner.holds(bytes - merged.bytes, 0)
      merged.data = data
      merged.bytes = bytes
      return
    }
    const mail = { number: ++this.#lastNumber, data, bytes, mergeKey, position: 0, time: 0 }
    // An array that grows takes room for many more, and most sessions get one message.
    if (this.#mail.length === 0) this.#mail = [mail]
    else this.#mail.push(mail)
    this.#owner.holds(bytes, 0)
  }

  /** The next message to write, which counts as written from now on. Undefined when none waits. */
  take(position: number, now: number): Mail | undefined {
    const mail = this.#mail[this.#written]
    if (mail === undefined) return undefined
    this.#written++
    this.#lastWritten = mail.number
    this.#owner.holds(0, mail.bytes)
    mail.position = position
    mail.formerPosition = undefined
    mail.time = now
    return mail
  }

  /**
   * Goes back to the last event of a returning reader. Everything after it waits again.
   *
   * @param position the last change that the reader was told.
   * @param number the last message that the reader was sent, when that came after the change. Without a number, all messages
   * that were written before the change have arrived, since a stream keeps its order.
   * @returns false when the reader lacks a message that is no longer kept, or names one that was never written.
   */
  rewind(position: number, number: number | undefined): boolean {
    if (number === undefined) {
      if (this.#letGoPosition >= position) return false
      return this.#rewindTo(this.#firstWritten((mail) => mail.position >= position))
    }
    if (number < this.#letGoNumber || number > this.#lastNumber) return false
    let next = this.#mail.findIndex((mail) => mail.number > number)
    if (next === -1) next = this.#mail.length
    if (next > this.#written) {
      // Its former home may have written what it had stored as waiting.
      if (number > this.#restoredTo) return false
      this.#owner.holds(0, sizeOf(this.#mail.slice(this.#written, next)))
      this.#written = next
    }
    return this.#rewindTo(next, number)
  }

  /** The same, where the position is of the order before the present one. */
  rewindFormer(position: number, number: number | undefined): boolean {
    if (number !== undefined) return this.rewind(0, number)
    if (this.#letGoFormerPosition >= position) return false
    return this.#rewindTo(
      this.#firstWritten(({ formerPosition }) => formerPosition === undefined || formerPosition >= position),
    )
  }

  /** The change index has begun anew: all messages so far were written before its changes. */
  positionsLost(): void {
    for (const mail of this.#mail.slice(0, this.#written)) {
      mail.formerPosition = mail.position
      mail.position = 0
    }
    this.#letGoFormerPosition = this.#letGoPosition
    this.#letGoPosition = Math.min(this.#letGoPosition, 0)
  }

  /** Drops written messages that are too old, or too many. */
  trim(now: number): void {
    if (this.#written > 0) this.letGo(now - this.#owner.mailboxLimits.keepMs)
  }

  /** Drops messages that were written at this time or before, or are too many. Returns the number of bytes. */
  letGo(time: number): number {
    const { maxMessages } = this.#owner.mailboxLimits
    let gone = 0
    while (gone < this.#written) {
      const mail = this.#mail[gone]!
      if (mail.time > time && this.#mail.length - gone <= maxMessages) break
      this.#letGoNumber = mail.number
      this.#letGoPosition = mail.position
      this.#letGoFormerPosition = mail.formerPosition ?? Infinity
      gone++
    }
    if (gone === 0) return 0
    const bytes = sizeOf(this.#mail.splice(0, gone))
    this.#written -= gone
    this.#owner.holds(-bytes, -bytes)
    return bytes
  }

  /** Drops all messages. */
  clear(): void {
    this.letGo(Infinity)
    this.#owner.holds(-sizeOf(this.#mail), 0)
    this.#mail = []
  }

  /** The place of the first message that was written and is as wanted; behind all that were written, if none is. */
  #firstWritten(isWanted: (mail: Mail) => boolean): number {
    const place = this.#mail.findIndex((mail, index) => index >= this.#written || isWanted(mail))
    return place === -1 ? this.#mail.length : place
  }

  #rewindTo(next: number, number = this.#mail[next - 1]?.number ?? this.#letGoNumber): true {
    this.#lastWritten = number
    const again = this.#mail.slice(next, this.#written)
    this.#written -= again.length
    this.#owner.holds(0, -sizeOf(again))
    return true
  }

  #waitingUnder(mergeKey: string): Mail | undefined {
    for (let i = this.#mail.length - 1; i >= this.#written; i--) {
      if (this.#mail[i]!.mergeKey === mergeKey) return this.#mail[i]
    }
    return undefined
  }
}

function sizeOf(mail: readonly Mail[]): number {
  return mail.reduce((sum, { bytes }) => sum + bytes, 0)
}
