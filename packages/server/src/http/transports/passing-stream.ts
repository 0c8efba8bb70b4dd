import type { MessageStream, StreamWriter } from '../../changes/message-stream.ts'
import type { Limits } from '../../limits.ts'
import type { Principal } from '../../requests/principal.ts'
import { Mailbox, type MailboxLimits, type MailboxOwner } from '../../sessions/mailbox.ts'
import type { ReplyStream } from './reply.ts'

interface PassingStreamOptions {
  readonly principal: Principal
  readonly limits: Limits
  readonly mailboxLimits: MailboxLimits
  /** More waits than the limits allow. */
  readonly overflowed: () => void
}

/** A stream that its client cannot come back to: nothing is kept once it is written. */
export class PassingStream implements ReplyStream, StreamWriter, MailboxOwner {
  readonly mailboxLimits: MailboxLimits
  readonly #stream: MessageStream
  readonly #options: PassingStreamOptions
  readonly #mailbox: Mailbox
  #bytes = 0
  #complete = false
  #closed = false

  constructor(stream: MessageStream, options: PassingStreamOptions) {
    this.mailboxLimits = { ...options.mailboxLimits, keepMs: 0 }
    this.#stream = stream
    this.#options = options
    this.#mailbox = new Mailbox(this)
    stream.writer = this
  }

  /** One that is written at once may have any size. */
  send(json: string, mergeKey?: string): void {
    if (this.#closed) return
    this.#mailbox.post(`data: ${json}\n\n`, mergeKey)
    this.#pump()
    if (this.#mailbox.waiting === 0 || (this.#hasRoom && !this.#mailbox.overfull)) return
    this.#stream.end('mailbox full')
    this.#options.overflowed()
  }

  complete(): void {
    this.#complete = true
    this.#pump()
  }

  streamReady(): void {
    this.#pump()
  }

  // The request is aborted by then.
  streamClosed(): void {
    this.#closed = true
    this.#mailbox.clear()
  }

  holds(bytes: number, kept: number): void {
    this.#bytes += bytes
    this.#options.limits.bytes.change(this.#options.principal, bytes, kept)
  }

  get #hasRoom(): boolean {
    const { limits, principal } = this.#options
    return this.#bytes <= limits.bytes.max.perSession && limits.bytes.reached(principal, 0) === undefined
  }

  #pump(): void {
    while (this.#stream.ready) {
      const mail = this.#mailbox.take(0, 0)
      if (mail === undefined) {
        if (this.#complete) this.#stream.end()
        break
      }
      this.#stream.write(mail.data)
    }
    this.#mailbox.trim(0)
  }
}
