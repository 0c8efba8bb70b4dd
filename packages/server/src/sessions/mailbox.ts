/** Bounds on the messages of one stream that wait to be written, and on those that are kept for the client's return. */
export interface MailboxLimits {
  maxMessages: number
  maxBytes: number
  /** The time that a message is kept after it was written. */
  keepMs: number
}

/** A message on a stream that is not a change: a response, a request to the client, progress, a log message. */
export interface Mail {
  /** 1, 2, 3 ... in posting order. */
  readonly number: number
  data: string
  /** The size of `data`. */
  bytes: number
  readonly mergeKey: string | undefined
  /** The position of the reader when this was written. It places mail between changes. */
  position: number
  /** The time when it was written. */
  time: number
}

/**
 * The ordered messages of one stream that must not be merged. The messages that wait to be written are bounded: {@link post}
 * refuses past the bound. Written messages are kept for a while, so that a reader that returns gets those that were lost.
 */
export class Mailbox {
  readonly #limits: MailboxLimits
  /** Written messages first, then those that wait; with consecutive numbers. */
  #mail: Mail[] = []
  #written = 0
  #bytes = 0
  #waitingBytes = 0
  #lastNumber = 0
  /** The position at which the newest message that is no longer kept was written. */
  #letGoPosition = -1

  constructor(limits: MailboxLimits) {
    this.#limits = limits
  }

  /** The number of messages that wait to be written. */
  get waiting(): number {
    return this.#mail.length - this.#written
  }

  /** The number of messages held, written ones included. */
  get size(): number {
    return this.#mail.length
  }

  /** The number of the last message that was written; 0 before the first. */
  get lastWritten(): number {
    return this.#lastNumber - this.waiting
  }

  /**
   * Adds a message. With a `mergeKey` it replaces the message that waits under the same key (progress with one token).
   *
   * @returns false when the bound is reached; then the message is not added.
   */
  post(data: string, mergeKey?: string): boolean {
    const bytes = Buffer.byteLength(data)
    const merged = mergeKey === undefined ? undefined : this.#waitingUnder(mergeKey)
    if (merged !== undefined) {
      this.#bytes += bytes - merged.bytes
      this.#waitingBytes += bytes - merged.bytes
      merged.data = data
      merged.bytes = bytes
      return true
    }
    const { maxMessages, maxBytes } = this.#limits
    if (this.waiting >= maxMessages || this.#waitingBytes >= maxBytes) return false
    const mail = { number: ++this.#lastNumber, data, bytes, mergeKey, position: 0, time: 0 }
    // An array that grows takes room for many more, and most sessions get one message.
    if (this.#mail.length === 0) this.#mail = [mail]
    else this.#mail.push(mail)
    this.#bytes += bytes
    this.#waitingBytes += bytes
    return true
  }

  /** The next message to write, which counts as written from now on. Undefined when none waits. */
  take(position: number, now: number): Mail | undefined {
    const mail = this.#mail[this.#written]
    if (mail === undefined) return undefined
    this.#written++
    this.#waitingBytes -= mail.bytes
    mail.position = position
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
    const first = this.#lastNumber - this.#mail.length + 1
    let next: number
    if (number === undefined) {
      if (this.#letGoPosition >= position) return false
      next = this.#mail.findIndex((mail, index) => index >= this.#written || mail.position >= position)
      if (next === -1) next = this.#mail.length
    } else {
      next = number + 1 - first
      if (next < 0 || next > this.#written) return false
    }
    for (let i = next; i < this.#written; i++) this.#waitingBytes += this.#mail[i]!.bytes
    this.#written = Math.min(next, this.#written)
    return true
  }

  /** The change index has begun anew: all messages so far were written before its changes. */
  positionsLost(): void {
    for (const mail of this.#mail) mail.position = 0
    this.#letGoPosition = Math.min(this.#letGoPosition, 0)
  }

  /** Drops written messages that are too old, or too many. */
  trim(now: number): void {
    const { maxMessages, maxBytes, keepMs } = this.#limits
    let gone = 0
    while (gone < this.#written) {
      const mail = this.#mail[gone]!
      const tooMany = this.#mail.length - gone > maxMessages || this.#bytes > maxBytes
      if (!tooMany && now - mail.time < keepMs) break
      this.#bytes -= mail.bytes
      this.#letGoPosition = mail.position
      gone++
    }
    if (gone === 0) return
    this.#mail.splice(0, gone)
    this.#written -= gone
  }

  #waitingUnder(mergeKey: string): Mail | undefined {
    for (let i = this.#mail.length - 1; i >= this.#written; i--) {
      if (this.#mail[i]!.mergeKey === mergeKey) return this.#mail[i]
    }
    return undefined
  }
}
