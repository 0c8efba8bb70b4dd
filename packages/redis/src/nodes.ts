import type { BackplaneNode, Logger } from '@tidings/server'
import type { Keys } from './keys.ts'
import { answerWithinMs, type Link, NoConnectionError } from './link.ts'
import { LocalNode } from './local-node.ts'
import { leaveScript, renewScript, retireScript, wakeScript } from './node-scripts.ts'
import type { RedisClient } from './redis-client.ts'

interface NodesOptions {
  keys: Keys
  /** Ends the wait of the reader of this process. */
  wakeKey: string
  link: Link
  logger: Logger
  leaseMs: number
  /** The order of changes, as far as this process has read it. */
  feed: { readonly epoch: string; readonly seq: number }
  /** Redis may have lost the order, or be another. */
  attach: (client: RedisClient) => Promise<void>
}

/** The nodes of this process, their leases, and the names of all nodes. */
export class Nodes {
  readonly #options: NodesOptions
  readonly #local = new Map<string, LocalNode>()
  #live: readonly string[] = []
  #replid = ''
  #renewing: Promise<void> | undefined
  /** The time since when this process has not read all changes, by `performance.now()`. */
  behindSince: number | undefined

  constructor(options: NodesOptions) {
    this.#options = options
  }

  /** The nodes of this process, by name. */
  get local(): ReadonlyMap<string, LocalNode> {
    return this.#local
  }

  /** The names of all nodes. */
  get live(): readonly string[] {
    return this.#live
  }

  async join(member: BackplaneNode): Promise<void> {
    const { link, wakeKey } = this.#options
    const node = new LocalNode(member, this.#options)
    this.#local.set(member.node, node)
    await link.untilDone(async () => {
      await this.#renewFor(node)
      // So that the reader asks for its mail, too.
      await link.ask((client) => wakeScript.run(client, [wakeKey], []))
    })
  }

  async leave(name: string): Promise<void> {
    const { keys, link, logger } = this.#options
    await this.#local.get(name)?.end(answerWithinMs)
    this.#local.delete(name)
    try {
      // A renewal that is under way would make it a node again.
      await this.#renewing?.catch(() => {})
      await link.ask((client) => leaveScript.run(client, [keys.nodes], [keys.prefix, name]))
    } catch (err) {
      // Its lease runs out.
      logger.debug({ err }, 'a node leaves without a word')
    }
  }

  retire(name: string): void {
    const { keys, link, logger } = this.#options
    link
      .ask((client) => retireScript.run(client, [keys.nodes, keys.retired], [name]))
      .catch((err: unknown) => logger.debug({ err }, 'nobody knows that a node retires'))
  }

  certain(name: string): Promise<void> | undefined {
    const node = this.#local.get(name)
    if (node === undefined || performance.now() < node.leasedUntil) return undefined
    const known = this.#options.link.isUp
      ? this.#renewFor(node)
      : Promise.reject(new NoConnectionError('There is no connection to Redis'))
    // Some look, and do not wait.
    known.catch(() => {})
    return known
  }

  /** Once for each fault, whatever has told of it. Who is told claims its sessions, so there has to be a connection. */
  tellDisplaced(): void {
    for (const node of this.#local.values()) if (node.isDisplaced) node.displaced(this.#live)
  }

  renew(): Promise<void> {
    this.#renewing ??= this.#options.link
      .ask((client) => this.renewOn(client))
      .finally(() => (this.#renewing = undefined))
    return this.#renewing
  }

  async renewOn(client: RedisClient): Promise<void> {
    const { keys, leaseMs, feed } = this.#options
    const before = performance.now()
    const read = feed.seq
    const nodes = [...this.#local.values()]
    const args = [keys.prefix, String(leaseMs), ...nodes.map(({ name }) => name)]
    const reply = await renewScript.run(client, [keys.nodes, keys.order], args)
    const [epoch, seq, replid, live, removed] = reply as [string, string, string, string[], string[]]
    const isAnother = this.#replid !== '' && replid !== this.#replid
    this.#replid = replid
    this.#live = live
    for (const node of nodes) if (removed.includes(node.name)) node.doubt()
    const hasGoneBack = Number(seq) < read
    if (epoch !== feed.epoch || isAnother || hasGoneBack) await this.#options.attach(client)
    for (const node of nodes) {
      node.leasedUntil = before + leaseMs
      node.joined = true
    }
    if (this.#options.link.isUp) this.tellDisplaced()
    const isBehind = Number(seq) > feed.seq
    this.behindSince = isBehind ? (this.behindSince ?? before) : undefined
  }

  /** A renewal that is under way may have been asked for before the node joined, or before a pause: then another follows. */
  async #renewFor(node: LocalNode): Promise<void> {
    await this.renew()
    if (performance.now() < node.leasedUntil) return
    await this.renew()
    if (performance.now() < node.leasedUntil) return
    const { leaseMs } = this.#options
    throw new NoConnectionError(`Redis answers more slowly than the lease of ${leaseMs} ms allows`)
  }
}
