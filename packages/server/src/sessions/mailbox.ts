/** How much one session may have waiting to be written, and how much of what was written is kept for its return. */
export interface MailboxLimits {
  maxMessages: number
  maxBytes: number
  /** How long a message is kept after it was written. */
  keepMs: number
}

/** A message of a stream that is not a change: a response, a request to the client, progress, a log message. */
export interface Mail {
  /** 1, 2, 3 ... in the order of posting. */
  readonly number: number
  data: string
  /** Of `data`. */
  bytes: number
  readonly mergeKey: string | undefined
  /** The reader's position in the change index when this was written: it places mail between changes. */
  position: number
  /** When it was written. */
  time: number
}

/**
 * The ordered messages of one stream that must not be merged. What waits to be written is bounded: {@link post} refuses
 * past the bound. What was written is kept for a while, so that a reader who returns gets what was lost on the way.
 */
export class Mailbox {
  readonly #limits: MailboxLimits
  /** Written ones first, then the ones that wait; consecutive by number. */
  #mail: Mail[] = []
  #written = 0
  #bytes = 0
  #waitingBytes = 0
  #lastNumber = 0
  /** The position at which the newest message that is no longer kept had been written. */
  #letGoPosition = -1

  constructor(limits: MailboxLimits) {
    this.#limits = limits
  }

  /** How many messages wait to be written. */
  get waiting(): number {
    return this.#mail.length - this.#written
  }

  /** How many messages are held, written ones included. */
  get size(): number {
    return this.#mail.length
  }

  /** The number of the last message that was written; 0 before the first. */
  get lastWritten(): number {
    return this.#lastNumber - this.waiting
  }

  /**
   * Adds a message. With a `mergeKey` it takes the place of the one that waits under the same key (progress of one
   * token).
   *
   * @returns false, and the message is not taken, when as much waits as may.
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
    // An array that grows takes room for many more, and most sessions are sent one message.
    if (this.#mail.length === 0) this.#mail = [mail]
    else this.#mail.push(mail)
    this.#bytes += bytes
    this.#waitingBytes += bytes
    return true
  }

  /** The next message to write, counted as written from now on. Undefined when none waits. */
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
   * Goes back to what a returning reader has; everything after it waits again.
   *
   * @param position the change it was told last.
   * @param number the message it was told last, when that came after the change. Without one, all that had been
   * written before the change has arrived, since a stream keeps its order.
   * @returns false when it lacks a message that is no longer kept, or names one that was never written.
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

  /** The change index has begun anew: what has been written so far was written before all of its changes. */
  positionsLost(): void {
    for (const mail of this.#mail) mail.position = 0
    this.#letGoPosition = Math.min(this.#letGoPosition, 0)
  }

  /** Lets go of written messages that are too old, or too many. */
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
