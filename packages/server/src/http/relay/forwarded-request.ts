import type { MessageStream, StreamWriter } from '../../changes/message-stream.ts'
import type { Principal } from '../../requests/principal.ts'
import type { TransportResponse } from '../transports/transport-response.ts'
import { type EntryMail, type HomeMail, movedStatus } from './mail.ts'

/** The home is told of taken bytes in portions of this size. */
const portionBytes = 16 * 1024

/** Clients whose stream ended with its home come back within so many milliseconds, and not all at once. */
const backWithinMs = { least: 100, most: 300 }

/** What became of a request that was sent to the home of its session. */
export type Forwarding = 'answered' | 'moved' | 'gone'

/** A request that came here and is answered by another node, its home. */
export class ForwardedRequest implements StreamWriter {
  readonly home: string
  /** Resolves when the response has begun, or will not: the home is gone, or it is not the home any more. */
  readonly answered: Promise<Forwarding>
  readonly #response: TransportResponse
  readonly #principal: Principal
  readonly #tell: (mail: EntryMail) => void
  #settle!: (outcome: Forwarding) => void
  #stream: MessageStream | undefined
  #taken = 0
  #over = false

  constructor(
    home: string,
    response: TransportResponse,
    principal: Principal,
    tell: (mail: EntryMail) => void,
  ) {
    this.home = home
    this.#response = response
    this.#principal = principal
    this.#tell = tell
    this.answered = new Promise((resolve) => (this.#settle = resolve))
    response.whenClosed(() => {
      if (!this.#over) tell({ kind: 'left' })
      this.#over = true
      this.#settle('answered')
    })
  }

  receive(mail: HomeMail, bytes: Buffer): void {
    if (this.#over) return
    switch (mail.kind) {
      case 'answer':
        this.#over = true
        if (mail.status === movedStatus) return this.#settle('moved')
        this.#setHeaders(mail.headers)
        if (mail.hasBody) this.#response.json(bytes.toString(), mail.status)
        else this.#response.empty(mail.status, mail.contentType)
        return this.#settle('answered')
      case 'stream':
        this.#setHeaders(mail.headers)
        this.#stream = this.#response.stream(this.#principal, { chunked: mail.chunked })
        this.#stream.writer = this
        return this.#settle('answered')
      case 'frames':
        this.#stream?.write(bytes.toString())
        this.#taken += bytes.length
        if (this.#taken >= portionBytes) this.#tellTaken()
        return
      case 'end':
        this.#over = true
        return this.#stream?.end()
      case 'cut':
        this.#over = true
        return this.#response.cut()
    }
  }

  /** This node stops: a client with a stream comes back elsewhere. */
  stop(reason: string): void {
    if (this.#over) return
    this.#tell({ kind: 'left' })
    if (this.#stream === undefined) return this.fail()
    this.#over = true
    this.#stream.end(reason)
  }

  /** The home is gone. */
  fail(): void {
    if (this.#over) return
    this.#over = true
    // The session can be taken over from now on: nothing is gained by waiting any longer.
    const { least, most } = backWithinMs
    this.#stream?.write(`retry: ${least + Math.floor(Math.random() * (most - least))}\n\n`)
    this.#stream?.end('the node of the session is gone')
    this.#settle('gone')
  }

  streamReady(): void {
    this.#tellTaken()
  }

  streamClosed(): void {
    // The home is told when the response is closed.
  }

  #setHeaders(headers: Record<string, string>): void {
    for (const [name, value] of Object.entries(headers)) this.#response.set(name, value)
  }

  #tellTaken(): void {
    if (this.#taken === 0 || this.#over || !this.#stream?.ready) return
    this.#tell({ kind: 'taken', bytes: this.#taken })
    this.#taken = 0
  }
}
