import { setTimeout as wait } from 'node:timers/promises'
import type { BackplaneNode, Logger } from '@tidings/server'
import type { Keys } from './keys.ts'
import type { Link } from './link.ts'
import { unpackMail } from './mail-pack.ts'
import { Outbox } from './outbox.ts'

/** Mail as it stands in the stream of a node. */
export type MailEntry =
  | { readonly gone: string }
  | { readonly from: string; readonly link: string; readonly number: number; readonly mail: Buffer }

/** What was received last from a node. */
interface Received {
  /** Its beginning. */
  readonly link: string
  /** The number of the last entry of that. */
  readonly number: number
  /** The node was gone since: what it sends belongs to another beginning. */
  isOver: boolean
}

/** The number of senders that are remembered. */
const maxSenders = 1_000

/** A node of this process. */
export class LocalNode {
  readonly member: BackplaneNode
  /** The id of the last entry of its mail that was read. */
  lastMailId = '0-0'
  /** The time by `performance.now()` until which the lease holds. */
  leasedUntil = 0
  /** True once other nodes can find it. */
  joined = false
  /** True while the member has to be told that it is displaced. */
  isDisplaced = false
  readonly #keys: Keys
  readonly #link: Link
  readonly #logger: Logger
  readonly #outboxes = new Map<string, Outbox>()
  /** By sender, the latest last. Kept when the sender is gone: a Redis that has gone back gives again what was read. */
  readonly #received = new Map<string, Received>()

  constructor(member: BackplaneNode, { keys, link, logger }: { keys: Keys; link: Link; logger: Logger }) {
    this.member = member
    this.#keys = keys
    this.#link = link
    this.#logger = logger
  }

  get name(): string {
    return this.member.node
  }

  send(to: string, mail: Uint8Array): Promise<void> {
    let outbox = this.#outboxes.get(to)
    if (outbox === undefined) {
      const failed = (reason: Error, hasBegun: boolean) => {
        if (this.#outboxes.get(to) !== outbox) return
        this.#outboxes.delete(to)
        // Who is told that a node is gone may send to it: that failure is not told again.
        if (!hasBegun) return
        this.#logger.warn({ err: reason, to }, 'mail to another node is lost')
        this.#call(() => this.member.gone(to))
      }
      outbox = new Outbox(this.name, to, { keys: this.#keys, link: this.#link, failed })
      this.#outboxes.set(to, outbox)
    }
    return outbox.send(mail)
  }

  receive(entry: MailEntry): void {
    if ('gone' in entry) return this.gone(entry.gone)
    const { from, link, number, mail } = entry
    const last = this.#received.get(from)
    if (last?.link === link && number <= last.number) return // it came twice
    const isNext =
      last === undefined || last.isOver
        ? number === 1 && last?.link !== link
        : last.link === link && number === last.number + 1
    this.#received.delete(from)
    this.#received.set(from, { link, number, isOver: false })
    if (this.#received.size > maxSenders) this.#received.delete(this.#received.keys().next().value!)
    if (!isNext) this.#call(() => this.member.gone(from))
    for (const each of unpackMail(mail)) this.#call(() => this.member.receive(from, each))
  }

  /** Another node has left or is dead, and has no mail here any more. */
  gone(node: string): void {
    const received = this.#received.get(node)
    if (received !== undefined) received.isOver = true
    this.#outboxes.get(node)?.end(new Error(`Node ${node} is gone`))
    this.#outboxes.delete(node)
    this.#call(() => this.member.gone(node))
  }

  /** Its sessions may have another home by now. It is told at the next renewal. */
  doubt(): void {
    if (!this.joined) return
    this.isDisplaced = true
    this.leasedUntil = 0
  }

  /** This node was no node for a while, or the store has lost what it knew. */
  displaced(others: readonly string[]): void {
    this.isDisplaced = false
    const heard = [...this.#received].flatMap(([node, { isOver }]) => (isOver ? [] : [node]))
    const known = new Set([...others, ...heard, ...this.#outboxes.keys()])
    this.lastMailId = '0-0'
    for (const node of known) if (node !== this.name) this.gone(node)
    this.#call(() => this.member.displaced())
  }

  /** Ends once its mail is on its way, or the time is over. */
  async end(withinMs: number): Promise<void> {
    const drained = [...this.#outboxes.values()].map((outbox) => outbox.drained())
    await Promise.race([Promise.all(drained), wait(withinMs, undefined, { ref: false })])
    for (const outbox of this.#outboxes.values()) outbox.end(new Error(`Node ${this.name} has left`))
    this.#outboxes.clear()
  }

  #call(callback: () => void): void {
    try {
      callback()
    } catch (err) {
      this.#logger.error({ err }, 'a node cannot take what the backplane tells it')
    }
  }
}
