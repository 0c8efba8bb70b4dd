import type { TransportName } from '@tidings/client'
import { Balancer } from '@tidings/testkit/balancer'
import { type Persistence, RedisServer } from '@tidings/testkit/redis-server'
import { TcpProxy } from '@tidings/testkit/tcp-proxy'
import { until } from '@tidings/testkit/until'
import { ChangeLog } from './change-log.ts'
import { History } from './history.ts'
import { NodeProcess } from './node-process.ts'
import { type EndedCall, Subscriber } from './subscriber.ts'

export const transports: readonly TransportName[] = ['http+sse', 'paired', 'streamable-http', 'stateless']
export const topics = ['test://0', 'test://1', 'test://2', 'test://3']
/** A topic that nobody watches. */
const marker = 'test://marker'

/** A client that was disconnected often waits for up to 30 s, and half as long again. */
const reconnectWithinMs = 50_000

/** A node, and its own way to Redis. */
export interface Member {
  readonly node: NodeProcess
  readonly proxy: TcpProxy
}

export interface WorldOptions {
  /** Default: 1,000. */
  leaseMs?: number
  persistence?: Persistence
  /** The number of clients, each of which watches all topics. */
  clients?: number
  /** The requests after which a connection is closed. Default: no limit. */
  requestsPerConnection?: number
}

/** Three nodes on one Redis, a balancer, and clients. */
export class World {
  readonly leaseMs: number
  readonly balancer: Balancer
  readonly log: ChangeLog
  readonly history: History
  redis: RedisServer
  members: Member[] = []
  subscribers: Subscriber[] = []
  /** The calls that were made. */
  readonly calls: Promise<EndedCall>[] = []
  /** The sessions that may be left by clients that are no more. */
  abandoned = 0
  /** What was wrong. */
  readonly faults: string[] = []
  stderr = ''
  readonly #redisProxy: TcpProxy
  readonly #requestsPerConnection: number
  readonly #runs: number[] = []
  /** Sessions that were opened at nodes that are no more. */
  #openedBefore = 0
  #connected = 0

  private constructor(
    { leaseMs = 1_000, requestsPerConnection = 0 }: WorldOptions,
    parts: { redis: RedisServer; redisProxy: TcpProxy; balancer: Balancer; log: ChangeLog; history: History },
  ) {
    this.leaseMs = leaseMs
    this.redis = parts.redis
    this.balancer = parts.balancer
    this.log = parts.log
    this.history = parts.history
    this.#redisProxy = parts.redisProxy
    this.#requestsPerConnection = requestsPerConnection
  }

  static async begin(options: WorldOptions = {}): Promise<World> {
    const { persistence = 'none', clients = 8, leaseMs = 1_000 } = options
    const redis = await RedisServer.start({ persistence })
    const redisProxy = await TcpProxy.to(redis.port)
    const history = new History()
    const log = await ChangeLog.begin(`redis://127.0.0.1:${redisProxy.port}`, leaseMs, history)
    const world = new World(options, { redis, redisProxy, balancer: await Balancer.start(), log, history })
    await Promise.all([world.addNode(), world.addNode(), world.addNode()])
    for (let i = 0; i < clients; i++) {
      const subscriber = await world.connect(transports[i % transports.length]!)
      for (const topic of topics) await subscriber.watch(topic)
    }
    return world
  }

  async addNode(): Promise<Member> {
    const proxy = await TcpProxy.to(this.#redisProxy.target)
    const node = await NodeProcess.start(
      {
        redisUrl: `redis://127.0.0.1:${proxy.port}`,
        leaseMs: this.leaseMs,
        topics: [...topics, marker],
        requestsPerConnection: this.#requestsPerConnection,
      },
      this.history,
    )
    const member = { node, proxy }
    this.members.push(member)
    this.#balance()
    return member
  }

  /** Ends a node, and starts another in its place. */
  async replace(member: Member, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    // As a balancer does when a node is no longer ready.
    if (signal === 'SIGTERM') this.#balance(member)
    await member.node.end(signal)
    this.#forget(member)
    await member.proxy.close()
    await this.addNode()
  }

  /** Has another server be the Redis of all. */
  async moveTo(redis: RedisServer): Promise<void> {
    const former = this.redis
    this.redis = redis
    for (const proxy of [this.#redisProxy, ...this.members.map(({ proxy }) => proxy)]) {
      proxy.target = redis.port
      proxy.cut({ how: 'reset' })
    }
    await former.close()
  }

  /** @throws what the client throws. */
  async connect(transport: TransportName): Promise<Subscriber> {
    const subscriber = await Subscriber.connect(this.balancer.url, transport, this.history)
    this.subscribers.push(subscriber)
    if (subscriber.hasSession) this.#connected++
    return subscriber
  }

  async disconnect(subscriber: Subscriber): Promise<void> {
    this.subscribers = this.subscribers.filter((each) => each !== subscriber)
    if (subscriber.hasSession) this.abandoned++
    await subscriber.close()
    this.#takeFaults(subscriber)
  }

  /** The number of sessions that were opened, and not adopted, beyond those of the clients. */
  get openedAnew(): number {
    return this.#openedBefore + this.members.reduce((sum, { node }) => sum + node.opened, 0) - this.#connected
  }

  /** Announces a change at a node. */
  changed({ node }: Member, topic: string): void {
    this.log.announcing(topic)
    this.history.add(`node ${node.pid}`, `announces ${topic}`)
    node.changed(topic)
  }

  call(subscriber: Subscriber, tool: 'echo' | 'slow'): void {
    this.calls.push(subscriber.call(tool, this.calls.length))
  }

  /**
   * Waits until everything that was announced is in the order, all clients are connected, and every client knows of the latest
   * change of each topic.
   *
   * @param deadlineMs the time that a connected client may take.
   * @throws when it takes longer.
   */
  async allTold(deadlineMs: number): Promise<void> {
    const began = performance.now()
    for (const member of this.members) await this.#flush(member, deadlineMs)
    await until(
      () => {
        const now = performance.now()
        let isDone = true
        for (const subscriber of this.subscribers) {
          const { connectedAt, transport } = subscriber
          const late = subscriber.late(this.log)
          if (connectedAt === undefined || late.length > 0) isDone = false
          if (
            connectedAt !== undefined &&
            late.length > 0 &&
            now > Math.max(began, connectedAt) + deadlineMs
          ) {
            throw new Error(`${transport} is connected and was not told of ${late.join(', ')}`)
          }
        }
        return isDone
      },
      'A client does not come back',
      reconnectWithinMs,
    )
  }

  /** Changes one topic after the other while nothing is wrong: each client is told once of what it watches. */
  async eachIsToldOnce(deadlineMs: number): Promise<void> {
    for (const [i, topic] of topics.entries()) {
      const before = this.subscribers.map(({ counts }) => counts.get(topic) ?? 0)
      this.changed(this.members[i % this.members.length]!, topic)
      await this.allTold(deadlineMs)
      for (const [j, subscriber] of this.subscribers.entries()) {
        const told = (subscriber.counts.get(topic) ?? 0) - before[j]!
        if (subscriber.watched.includes(topic) && told !== 1) {
          this.faults.push(`${subscriber.transport} was told ${told} times of one change of ${topic}`)
        }
      }
    }
  }

  /** Waits until all nodes follow Redis, and whatever was in doubt has been told. */
  async allConnected(deadlineMs: number): Promise<void> {
    const connected = async ({ node }: Member) => (await node.health()).backplane.status === 'connected'
    await until(
      async () => (await Promise.all(this.members.map(connected))).every(Boolean),
      'A node is not connected to Redis',
      deadlineMs,
    )
    for (const topic of topics) this.changed(this.members[0]!, topic)
    await this.allTold(deadlineMs)
  }

  /** Waits until each session has one home. */
  async oneHomeEach(deadlineMs: number): Promise<void> {
    const wanted = this.subscribers.filter(({ hasSession }) => hasSession).length
    let counts: number[] = []
    await until(
      async () => {
        counts = await Promise.all(this.members.map(async ({ node }) => (await node.health()).sessions.open))
        const sum = counts.reduce((a, b) => a + b, 0)
        return sum >= wanted && sum <= wanted + this.abandoned
      },
      () => `${wanted} sessions, and the nodes are the homes of ${counts.join(' + ')}`,
      deadlineMs,
    )
  }

  /** Waits until all calls have ended, and looks whether a tool has run twice, or although the client said that it had not. */
  async endedCalls(): Promise<EndedCall[]> {
    const ended = await Promise.all(this.calls)
    const runs = [...this.#runs, ...this.members.flatMap(({ node }) => node.runs)]
    const times = new Map<number, number>()
    for (const call of runs) times.set(call, (times.get(call) ?? 0) + 1)
    for (const { call, error, mayHaveRun } of ended) {
      const ran = times.get(call) ?? 0
      if (ran > 1) this.faults.push(`call ${call} has run ${ran} times`)
      if (ran > 0 && !mayHaveRun) this.faults.push(`call ${call} has run, although: ${error!.message}`)
      if (error?.name === 'TimeoutError') this.faults.push(`call ${call} has no answer`)
    }
    return ended
  }

  async end(): Promise<void> {
    await Promise.all(this.subscribers.map((subscriber) => subscriber.close().catch(() => {})))
    await Promise.all(this.members.map(({ node }) => node.end()))
    await Promise.all(this.members.map(({ proxy }) => proxy.close()))
    for (const member of [...this.members]) this.#forget(member)
    for (const subscriber of this.subscribers) this.#takeFaults(subscriber)
    await this.balancer.close()
    await this.log.close()
    await this.#redisProxy.close()
    await this.redis.close()
  }

  /** What a node has announced is in the order, when what it announces after it is. */
  async #flush(member: Member, deadlineMs: number): Promise<void> {
    const { log } = this
    const before = `${log.epoch}.${log.latest.get(marker)?.seq}`
    this.changed(member, marker)
    const now = () => `${log.epoch}.${log.latest.get(marker)?.seq}`
    await until(() => now() !== before, 'What a node has announced is not in the order', deadlineMs)
  }

  #takeFaults({ transport, faults }: Subscriber): void {
    this.faults.push(...faults.map((fault) => `${transport}: ${fault}`))
  }

  #forget(member: Member): void {
    this.#openedBefore += member.node.opened
    this.#runs.push(...member.node.runs)
    this.stderr += member.node.stderr
    this.members = this.members.filter((each) => each !== member)
    this.#balance()
  }

  #balance(without?: Member): void {
    this.balancer.targets = this.members.filter((each) => each !== without).map(({ node }) => node.port)
  }
}
