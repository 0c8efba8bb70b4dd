import type { MessageStream, StreamWriter } from '../../changes/message-stream.ts'
import type { Mailbox } from '../../sessions/mailbox.ts'
import type { ReplyStream } from './reply.ts'

/** A stream that its client cannot come back to: nothing is kept once it is written. */
export class PassingStream implements ReplyStream, StreamWriter {
  readonly #stream: MessageStream
  readonly #mailbox: Mailbox
  readonly #overflowed: () => void
  #complete = false

  constructor(stream: MessageStream, mailbox: Mailbox, overflowed: () => void) {
    this.#stream = stream
    this.#mailbox = mailbox
    this.#overflowed = overflowed
    stream.writer = this
  }

  send(json: string, mergeKey?: string): void {
    if (this.#mailbox.post(`data: ${json}\n\n`, mergeKey)) return this.#pump()
    this.#stream.end('mailbox full')
    this.#overflowed()
  }

  complete(): void {
    this.#complete = true
    this.#pump()
  }

  streamReady(): void {
    this.#pump()
  }

  streamClosed(): void {
    // The request is aborted by then.
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
    this.#mailbox.trim(1)
  }
}
