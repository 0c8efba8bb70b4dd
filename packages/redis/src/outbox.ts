import { randomBytes } from 'node:crypto'
import type { Keys } from './keys.ts'
import type { Link } from './link.ts'
import { packMail } from './mail-pack.ts'
import { sendScript } from './node-scripts.ts'

/** The bytes of mail that a node may leave unread. A mail of any size goes to a node that has read all. */
const maxUnreadBytes = 64 * 1024 * 1024
/** The bytes that go in one entry, unless one mail has more. */
const entryBytes = 256 * 1024
/** The bytes that wait here for one node. */
const maxWaitingBytes = 64 * 1024 * 1024

interface Waiting {
  readonly mail: Uint8Array
  readonly resolve: () => void
  readonly reject: (reason: Error) => void
}

interface OutboxOptions {
  keys: Keys
  link: Link
  /**
   * Called once, when mail is lost: later mail needs another outbox.
   *
   * @param hasBegun whether the other node may have taken earlier mail.
   */
  failed: (reason: Error, hasBegun: boolean) => void
}

/** The mail of one node to another, in order. All that is sent in one turn, or while an entry is under way, goes together. */
export class Outbox {
  readonly #from: string
  readonly #to: string
  readonly #keys: Keys
  readonly #link: Link
  readonly #failed: OutboxOptions['failed']
  /** Names this beginning. The numbers of its entries tell the receiver what came twice, and what is missing. */
  readonly #id = randomBytes(9).toString('base64url')
  #number = 0
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #running = false
  #ended: Error | undefined

  constructor(from: string, to: string, { keys, link, failed }: OutboxOptions) {
    this.#from = from
    this.#to = to
    this.#keys = keys
    this.#link = link
    this.#failed = failed
  }

  send(mail: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended)
      this.#waitingBytes += mail.byteLength
      this.#waiting.push({ mail, resolve, reject })
      if (this.#waitingBytes > maxWaitingBytes && this.#waiting.length > 1) {
        return this.#fail(new Error(`More than ${maxWaitingBytes} bytes of mail wait for node ${this.#to}`))
      }
      if (this.#running) return
      this.#running = true
      // All that one turn sends goes together: what arrives at once comes from several sockets.
      setImmediate(() => void this.#run())
    })
  }

  /** Resolves when nothing waits, or this has ended. */
  async drained(): Promise<void> {
    while (this.#running && this.#ended === undefined) await new Promise((resolve) => setTimeout(resolve, 1))
  }

  /** Mail that waits is lost. */
  end(reason: Error): void {
    if (this.#ended !== undefined) return
    this.#ended = reason
    for (const { reject } of this.#waiting.splice(0)) reject(reason)
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const entry = this.#nextEntry()
      try {
        await this.#send(packMail(entry.map(({ mail }) => mail)))
      } catch (err) {
        for (const { reject } of entry) reject(err as Error)
        this.#fail(err as Error)
        break
      }
      for (const { resolve } of entry) resolve()
    }
    this.#running = false
  }

  async #send(pack: Buffer): Promise<void> {
    const { nodes, mailBytes } = this.#keys
    const keys = [nodes, this.#keys.mailOf(this.#to), mailBytes]
    const number = String(++this.#number)
    const args = [this.#to, this.#from, this.#id, number, String(maxUnreadBytes), pack]
    // Whether it has arrived is not known when the connection is lost. The receiver drops what comes twice.
    const sent = await this.#link.untilDone(async () => {
      if (this.#ended !== undefined) throw this.#ended
      return this.#link.ask((client) => sendScript.run(client, keys, args))
    })
    if (sent === 1) return
    const why = sent === 0 ? 'There is no such node (any more)' : 'It does not read its mail'
    throw new Error(`Mail to node ${this.#to} is lost. ${why}`)
  }

  #nextEntry(): Waiting[] {
    let bytes = 0
    let count = 0
    for (const { mail } of this.#waiting) {
      if (count > 0 && bytes + mail.byteLength > entryBytes) break
      bytes += mail.byteLength
      count++
    }
    this.#waitingBytes -= bytes
    return this.#waiting.splice(0, count)
  }

  #fail(reason: Error): void {
    this.end(reason)
    // The first entry has nothing before it that could be lost, and its senders know.
    this.#failed(reason, this.#number > 1)
  }
}
