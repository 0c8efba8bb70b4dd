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
import { consoleLogger } from './console-logger.ts'
import { Directory } from './directory.ts'
import { warnOfEviction } from './eviction.ts'
import { FullError } from './full-error.ts'
import { Keys } from './keys.ts'
import { answerWithinMs, Link } from './link.ts'
import { roomScript } from './node-scripts.ts'
import { Nodes } from './nodes.ts'
import { Publisher } from './publisher.ts'
import { Reader, silentMs } from './reader.ts'
import type { RedisClient } from './redis-client.ts'

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
  readonly #logger: Logger
  readonly #link: Link
  readonly #readerLink: Link
  readonly #feed: ChangeFeed
  readonly #publisher: Publisher
  readonly #reader: Reader
  readonly #directory: Directory
  readonly #nodes: Nodes
  #trouble: string | undefined = 'There has been no connection yet'
  #isFull = false
  #hasWarned = false
  #timer: NodeJS.Timeout | undefined
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
    const wakeKey = keys.wakeOf(name)
    this.#keys = keys
    this.#logger = logger
    const create = () => (client === undefined ? clientOf(url) : client.duplicate())
    const lost = (reason: Error) => this.#lost(reason)
    this.#feed = new ChangeFeed(keys)
    this.#link = new Link({
      create,
      begin: (client) => this.#begin(client),
      up: () => {
        this.#publisher.retry()
        this.#nodes.tellDisplaced()
        this.#recovered()
      },
      lost,
      refused: (reason) => reason instanceof FullError && this.#full(reason),
    })
    const link = this.#link
    this.#publisher = new Publisher({
      name,
      keys,
      link,
      logger,
      epoch: () => this.#feed.epoch,
      onOtherEpoch: () => this.#attach(link.client),
    })
    this.#directory = new Directory({ keys, link, logger, leaseMs })
    const attach = (client: RedisClient) => this.#attach(client)
    this.#nodes = new Nodes({ keys, wakeKey, link, logger, leaseMs, feed: this.#feed, attach })
    this.#reader = new Reader({
      keys,
      wakeKey,
      feed: this.#feed,
      nodes: this.#nodes.local,
      link,
      onGap: () => this.#attach(link.client),
    })
    this.#readerLink = new Link({
      create,
      begin: (client) => this.#beginReading(client),
      up: () => this.#recovered(),
      lost,
    })
    this.#timer = setInterval(() => this.#look(), leaseMs / leaseRenewals).unref()
  }

  get health(): BackplaneHealth {
    const reason = this.#trouble
    const nodes = this.#nodes.live.length
    return reason === undefined ? { status: 'connected', nodes } : { status: 'degraded', reason, nodes }
  }

  follow(follower: ChangeFollower): Promise<void> {
    return this.#link.untilDone(() => this.#link.ask((client) => this.#feed.follow(follower, client)))
  }

  unfollow(follower: ChangeFollower): void {
    this.#feed.unfollow(follower)
  }

  publish(topic: string): void {
    this.#publisher.publish(topic)
  }

  join(member: BackplaneNode): Promise<void> {
    return this.#nodes.join(member)
  }

  async leave(node: string): Promise<void> {
    this.#directory.left(node)
    await this.#nodes.leave(node)
  }

  retire(node: string): void {
    this.#nodes.retire(node)
  }

  nodes(): readonly string[] {
    return this.#nodes.live
  }

  certain(node: string): Promise<void> | undefined {
    return this.#nodes.certain(node)
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
    const node = this.#nodes.local.get(from)
    if (node === undefined) return Promise.reject(new Error(`There is no node ${from} here (any more)`))
    return node.send(to, mail)
  }

  /** Ends the connections. Close the servers first: they leave the backplane. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await Promise.all([...this.#nodes.local.keys()].map((node) => this.leave(node)))
    this.#link.close()
    this.#readerLink.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** A new connection: nothing is published or told before it is known whether the order goes on. */
  async #begin(client: RedisClient): Promise<void> {
    await this.#attach(client)
    await this.#nodes.renewOn(client)
    if (!this.#hasWarned) this.#hasWarned = await warnOfEviction(client, this.#keys, this.#logger)
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
    for (const node of this.#nodes.local.values()) node.doubt()
    // A new connection, and a renewal, go on with that by themselves.
    if (this.#link.isUp) this.#nodes.renew().catch((err: Error) => this.#lost(err))
  }

  #look(): void {
    const now = performance.now()
    const { behindSince } = this.#nodes
    const isDeaf = now - this.#reader.heardAt > silentMs
    const isBehind = behindSince !== undefined && now - behindSince > silentMs
    if (this.#link.isUp) {
      this.#nodes.renew().then(
        () => this.#recovered(),
        (err: Error) => this.#lost(err),
      )
      this.#directory.keep()
      if (this.#isFull) void this.#lookForRoom()
    }
    if (!isDeaf && !isBehind) return
    const reason = isDeaf
      ? `Nothing was heard from Redis for ${silentMs} ms`
      : `Changes of the last ${silentMs} ms have not arrived`
    this.#lost(new Error(reason))
    this.#reader.heardAt = now
    this.#nodes.behindSince = undefined
    this.#readerLink.restart(new Error(reason))
  }

  #recovered(): void {
    if (this.#trouble === undefined || this.#isFull || this.#nodes.behindSince !== undefined) return
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

  #full(reason: FullError): void {
    if (this.#closed) return
    if (!this.#isFull)
      this.#logger.error({ err: reason }, 'Redis is full: changes wait, and nothing is stored')
    this.#isFull = true
    this.#trouble = reason.message
  }

  async #lookForRoom(): Promise<void> {
    try {
      await this.#link.ask((client) => roomScript.run(client, [this.#keys.order], []))
    } catch (err) {
      if (!(err instanceof FullError)) this.#lost(err as Error)
      return
    }
    this.#isFull = false
    this.#publisher.retry()
    this.#recovered()
  }
}

function clientOf(url: string): RedisClient {
  return createClient({
    url,
    disableOfflineQueue: true,
    socket: { reconnectStrategy: false, connectTimeout: answerWithinMs },
  })
}
