import { randomBytes } from 'node:crypto'
import { createClient } from '@redis/client'
import type {
  Backplane,
  BackplaneHealth,
  BackplaneNode,
  ChangeFollower,
  Logger,
  SessionPlace,
} from '@tidings/server'
import { ChangeFeed } from './change-feed.ts'
import { Directory } from './directory.ts'
import { Keys } from './keys.ts'
import { answerWithinMs, Link, NoConnectionError } from './link.ts'
import { LocalNode } from './local-node.ts'
import { Publisher } from './publisher.ts'
import { Reader, silentMs } from './reader.ts'
import type { RedisClient } from './redis-client.ts'
import { leaveScript, renewScript, retireScript, wakeScript } from './scripts.ts'

/** The store of a {@link RedisBackplane}: one of the two. */
export type RedisBackplaneStore =
  | {
      /** The URL of Redis or Valkey, such as `redis://localhost:6379` or `rediss://user:password@host:6380/1`. */
      url: string
      client?: undefined
    }
  | {
      /**
       * A client of the application: `createClient()`, `createSentinel()` or `createCluster()` of `@redis/client`. It is
       * duplicated, and need not be connected.
       */
      client: RedisClient
      url?: undefined
    }

export interface RedisBackplaneOptions {
  /** Servers of one namespace are one. Default: `tidings`. */
  namespace?: string
  /** A node that Redis has not heard of for so long is gone, in milliseconds: at least 500. Default: 3,000. */
  leaseMs?: number
  /** Default: warnings and failures go to `console`. */
  logger?: Logger
}

const leaseRenewals = 6
const nothing = () => {}
const consoleLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: (fields, message) => console.warn(`@tidings/redis: ${message}`, fields),
  error: (fields, message) => console.error(`@tidings/redis: ${message}`, fields),
}

/**
 * Makes several servers one, by Redis 7 or 8, or Valkey 8: clients may come to any of them, and are told the changes of all.
 *
 * ```ts
 * const backplane = new RedisBackplane({ url: 'redis://localhost:6379' })
 * const server = new McpServer({ name: 'greenhouse', version: '1.0.0' }, { backplane })
 * ```
 *
 * It connects at once, twice, and again whenever a connection is lost.
 */
export class RedisBackplane implements Backplane {
  readonly #keys: Keys
  readonly #leaseMs: number
  readonly #logger: Logger
  readonly #wakeKey: string
  readonly #link: Link
  readonly #readerLink: Link
  readonly #feed: ChangeFeed
  readonly #publisher: Publisher
  readonly #reader: Reader
  readonly #directory: Directory
  readonly #nodes = new Map<string, LocalNode>()
  #live: readonly string[] = []
  #replid = ''
  #trouble: string | undefined = 'There has been no connection yet'
  /** The time since when the reader is behind what is written, by `performance.now()`. */
  #behindSince: number | undefined
  #timer: NodeJS.Timeout | undefined
  #renewing: Promise<void> | undefined
  #attaching: Promise<void> | undefined
  #closed = false

  /** @throws {TypeError} when an option is wrong. */
  constructor(
    { url, client }: RedisBackplaneStore,
    { namespace = 'tidings', leaseMs = 3_000, logger = consoleLogger }: RedisBackplaneOptions = {},
  ) {
    if ((url === undefined) === (client === undefined)) {
      throw new TypeError('Give a RedisBackplane either { url } or { client }')
    }
    if (!/^[^{}]{1,100}$/.test(namespace)) {
      throw new TypeError(
        `namespace must be 1 to 100 characters without braces, got ${JSON.stringify(namespace)}`,
      )
    }
    if (!(leaseMs >= 500 && leaseMs < 2 ** 31)) {
      throw new TypeError(`leaseMs must be a number of milliseconds from 500 on, got ${leaseMs}`)
    }
    const name = randomBytes(9).toString('base64url')
    const keys = new Keys(namespace)
    this.#keys = keys
    this.#leaseMs = leaseMs
    this.#logger = logger
    this.#wakeKey = keys.wakeOf(name)
    const create = () => (client === undefined ? clientOf(url) : client.duplicate())
    this.#feed = new ChangeFeed(keys)
    this.#link = new Link({
      create,
      begin: (client) => this.#begin(client),
      up: () => {
        this.#publisher.start()
        this.#tellDisplaced()
        this.#recovered()
      },
      lost: (reason) => this.#lost(reason),
    })
    this.#publisher = new Publisher({
      name,
      keys,
      link: this.#link,
      logger,
      epoch: () => this.#feed.epoch,
      onOtherEpoch: () => this.#attach(this.#link.client),
    })
    this.#directory = new Directory({ keys, link: this.#link, logger, leaseMs })
    this.#reader = new Reader({
      keys,
      wakeKey: this.#wakeKey,
      feed: this.#feed,
      nodes: this.#nodes,
      link: this.#link,
    })
    this.#readerLink = new Link({
      create,
      begin: async (client) => this.#beginReading(client),
      up: () => this.#recovered(),
      lost: (reason) => this.#lost(reason),
    })
    this.#timer = setInterval(() => this.#look(), leaseMs / leaseRenewals).unref()
  }

  get health(): BackplaneHealth {
    const reason = this.#trouble
    const nodes = this.#live.length
    return reason === undefined ? { status: 'connected', nodes } : { status: 'degraded', reason, nodes }
  }

  async follow(follower: ChangeFollower): Promise<void> {
    for (;;) {
      await this.#link.whenUp()
      this.#requireOpen()
      try {
        return await this.#link.ask((client) => this.#feed.follow(follower, client))
      } catch (err) {
        if (this.#link.isUp) throw err
      }
    }
  }

  unfollow(follower: ChangeFollower): void {
    this.#feed.unfollow(follower)
  }

  publish(topic: string): void {
    this.#publisher.publish(topic)
  }

  async join(member: BackplaneNode): Promise<void> {
    const { node } = member
    const local = new LocalNode(member, { keys: this.#keys, link: this.#link, logger: this.#logger })
    this.#nodes.set(node, local)
    for (;;) {
      await this.#link.whenUp()
      this.#requireOpen()
      try {
        await this.#renewFor(local)
        // So that the reader asks for its mail, too.
        await this.#link.ask((client) => wakeScript.run(client, [this.#wakeKey], []))
        return
      } catch (err) {
        if (this.#link.isUp) throw err
      }
    }
  }

  async leave(node: string): Promise<void> {
    const local = this.#nodes.get(node)
    await local?.end(answerWithinMs)
    this.#nodes.delete(node)
    this.#directory.left(node)
    try {
      await this.#renewing?.catch(nothing)
      await this.#link.ask((client) => leaveScript.run(client, [this.#keys.nodes], [this.#keys.prefix, node]))
    } catch (err) {
      // Its lease runs out.
      this.#logger.debug({ err }, 'a node leaves without a word')
    }
  }

  retire(node: string): void {
    const keys = [this.#keys.nodes, this.#keys.retired]
    this.#link
      .ask((client) => retireScript.run(client, keys, [node]))
      .catch((err: unknown) => this.#logger.debug({ err }, 'nobody knows that a node retires'))
  }

  nodes(): readonly string[] {
    return this.#live
  }

  certain(node: string): Promise<void> | undefined {
    const local = this.#nodes.get(node)
    if (local === undefined || performance.now() < local.leasedUntil) return undefined
    const known = this.#link.isUp
      ? this.#renewFor(local)
      : Promise.reject(new NoConnectionError('There is no connection to Redis'))
    // Some look, and do not wait.
    known.catch(nothing)
    return known
  }

  claim(session: string, node: string, keepMs: number, record?: string): Promise<SessionPlace> {
    return this.#directory.claim(session, node, keepMs, record)
  }

  adopt(session: string, node: string): Promise<SessionPlace | undefined> {
    return this.#directory.adopt(session, node)
  }

  save(session: string, node: string, record: string): Promise<boolean> {
    return this.#directory.save(session, node, record)
  }

  handOver(session: string, node: string, record: string): Promise<string | undefined> {
    return this.#directory.handOver(session, node, record)
  }

  release(session: string, node: string): void {
    this.#directory.release(session, node)
  }

  send(from: string, to: string, mail: Uint8Array): Promise<void> {
    const node = this.#nodes.get(from)
    if (node === undefined) return Promise.reject(new Error(`There is no node ${from} here (any more)`))
    return node.send(to, mail)
  }

  /** Ends the connections. Close the servers first: they leave the backplane. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await Promise.all([...this.#nodes.keys()].map((node) => this.leave(node)))
    this.#link.close()
    this.#readerLink.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** A new connection: nothing is published or told before it is known whether the order goes on. */
  async #begin(client: RedisClient): Promise<void> {
    await this.#attach(client)
    await this.#renewOn(client)
  }

  async #beginReading(client: RedisClient): Promise<void> {
    this.#reader.heardAt = performance.now()
    let isCurrent = true
    client.on('error', () => (isCurrent = false))
    void this.#reader
      .read(client, () => isCurrent && !this.#closed)
      .catch((err: Error) => this.#readerLink.restart(err, client))
  }

  #attach(client: RedisClient): Promise<void> {
    this.#attaching ??= this.#attachOn(client).finally(() => (this.#attaching = undefined))
    return this.#attaching
  }

  async #attachOn(client: RedisClient): Promise<void> {
    const isLost = this.#publisher.takeLoss()
    let isAnother: boolean
    try {
      isAnother = await this.#feed.attach(client, isLost)
    } catch (err) {
      if (isLost) this.#publisher.returnLoss()
      throw err
    }
    if (!isAnother) return
    this.#logger.warn(
      { epoch: this.#feed.epoch },
      'the order of changes began anew: everything is told as changed',
    )
    this.#readerLink.restart(new Error('The order of changes began anew'))
    for (const node of this.#nodes.values()) this.#doubt(node)
    // A new connection, and a renewal, go on with that by themselves.
    if (this.#link.isUp) this.#renew().catch((err: Error) => this.#lost(err))
  }

  /** A renewal that is under way may have been asked for before the node joined, or before a pause: then another follows. */
  async #renewFor(node: LocalNode): Promise<void> {
    await this.#renew()
    if (performance.now() < node.leasedUntil) return
    await this.#renew()
    if (performance.now() < node.leasedUntil) return
    throw new NoConnectionError(`Redis answers more slowly than the lease of ${this.#leaseMs} ms allows`)
  }

  #renew(): Promise<void> {
    this.#renewing ??= this.#link
      .ask((client) => this.#renewOn(client))
      .finally(() => (this.#renewing = undefined))
    return this.#renewing
  }

  async #renewOn(client: RedisClient): Promise<void> {
    const before = performance.now()
    const read = this.#feed.seq
    const nodes = [...this.#nodes.values()]
    const args = [this.#keys.prefix, String(this.#leaseMs), ...nodes.map(({ name }) => name)]
    const reply = await renewScript.run(client, [this.#keys.nodes, this.#keys.order], args)
    const [epoch, seq, replid, live, removed] = reply as [string, string, string, string[], string[]]
    const isAnother = this.#replid !== '' && replid !== this.#replid
    this.#replid = replid
    this.#live = live
    for (const node of nodes) if (removed.includes(node.name)) this.#doubt(node)
    const hasGoneBack = Number(seq) < read
    if (epoch !== this.#feed.epoch || isAnother || hasGoneBack) await this.#attach(client)
    for (const node of nodes) {
      node.leasedUntil = before + this.#leaseMs
      node.joined = true
    }
    if (this.#link.isUp) this.#tellDisplaced()
    const isBehind = Number(seq) > this.#feed.seq
    this.#behindSince = isBehind ? (this.#behindSince ?? before) : undefined
  }

  /** Once for each fault, whatever has told of it. Who is told claims its sessions, so there has to be a connection. */
  #tellDisplaced(): void {
    for (const node of this.#nodes.values()) if (node.isDisplaced) node.displaced(this.#live)
  }

  #doubt(node: LocalNode): void {
    if (!node.joined) return
    node.isDisplaced = true
    node.leasedUntil = 0
  }

  #look(): void {
    const now = performance.now()
    const isDeaf = now - this.#reader.heardAt > silentMs
    const isBehind = this.#behindSince !== undefined && now - this.#behindSince > silentMs
    if (this.#link.isUp) {
      this.#renew().then(
        () => this.#recovered(),
        (err: Error) => this.#lost(err),
      )
      this.#directory.keep()
    }
    if (!isDeaf && !isBehind) return
    const reason = isDeaf
      ? `Nothing was heard from Redis for ${silentMs} ms`
      : `Changes of the last ${silentMs} ms have not arrived`
    this.#lost(new Error(reason))
    this.#reader.heardAt = now
    this.#behindSince = undefined
    this.#readerLink.restart(new Error(reason))
  }

  #recovered(): void {
    if (this.#trouble === undefined || this.#behindSince !== undefined) return
    if (!this.#link.isUp || !this.#readerLink.isUp) return
    if (performance.now() - this.#reader.heardAt > answerWithinMs) return
    this.#trouble = undefined
    this.#logger.info({}, 'connected to Redis')
  }

  #lost(reason: Error): void {
    if (this.#closed) return
    if (this.#trouble === undefined) this.#logger.warn({ err: reason }, 'the connection to Redis is lost')
    this.#trouble = reason.message
  }

  #requireOpen(): void {
    if (this.#closed) throw new NoConnectionError('The backplane is closed')
  }
}

function clientOf(url: string): RedisClient {
  return createClient({
    url,
    disableOfflineQueue: true,
    socket: { reconnectStrategy: false, connectTimeout: answerWithinMs },
  })
}
