import { type Client, connect, type TransportName } from '@tidings/client'
import { type Persistence, RedisServer } from '@tidings/testkit/redis-server'
import { TcpProxy } from '@tidings/testkit/tcp-proxy'
import { until } from '@tidings/testkit/until'
import { Balancer } from './balancer.ts'
import { NodeProcess } from './node-process.ts'

const transports: readonly TransportName[] = ['http+sse', 'paired', 'streamable-http', 'stateless']
export const topics = ['test://0', 'test://1', 'test://2', 'test://3']

/** A node, and its own way to Redis. */
export interface Member {
  node: NodeProcess
  proxy: TcpProxy
}

/** A client, and when it was last told of each topic. */
interface Subscriber {
  readonly client: Client
  readonly transport: TransportName
  readonly toldAt: Map<string, number>
}

/** Three nodes on one Redis, a balancer, and clients that watch all topics. */
export class World {
  readonly leaseMs: number
  readonly redis: RedisServer
  readonly balancer: Balancer
  members: Member[] = []
  subscribers: Subscriber[] = []
  /** When each topic was last changed, once that was certain. */
  readonly changedAt = new Map<string, number>()
  /** The calls that were made. */
  readonly calls: Promise<'answered' | 'failed'>[] = []
  /** Sessions that were opened at nodes that are no more. */
  #openedBefore = 0
  stderr = ''

  private constructor(leaseMs: number, redis: RedisServer, balancer: Balancer) {
    this.leaseMs = leaseMs
    this.redis = redis
    this.balancer = balancer
  }

  static async begin({
    leaseMs = 1_000,
    persistence = 'none',
    clients = 8,
  }: { leaseMs?: number; persistence?: Persistence; clients?: number } = {}): Promise<World> {
    const world = new World(leaseMs, await RedisServer.start({ persistence }), await Balancer.start())
    for (let i = 0; i < 3; i++) await world.addNode()
    for (let i = 0; i < clients; i++) await world.#addClient(transports[i % transports.length]!)
    return world
  }

  async addNode(): Promise<Member> {
    const proxy = await TcpProxy.to(this.redis.port)
    const redisUrl = `redis://127.0.0.1:${proxy.port}`
    const node = await NodeProcess.start({ redisUrl, leaseMs: this.leaseMs, topics })
    const member = { node, proxy }
    this.members.push(member)
    this.#balance()
    return member
  }

  /** Ends a node, and starts another in its place. */
  async replace(member: Member, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (signal === 'SIGTERM') {
      // As a balancer does when a node is no longer ready.
      this.balancer.targets = this.balancer.targets.filter((port) => port !== member.node.port)
    }
    await member.node.end(signal)
    this.#forget(member)
    await member.proxy.close()
    await this.addNode()
  }

  /** The number of sessions that were opened, and not adopted. */
  get opened(): number {
    return this.#openedBefore + this.members.reduce((sum, { node }) => sum + node.opened, 0)
  }

  get sessions(): number {
    return this.subscribers.filter(({ transport }) => transport !== 'stateless').length
  }

  /** Announces a change at a node. It counts once it is in the order. */
  changed({ node }: Member, topic: string): void {
    const at = performance.now()
    void node
      .changed(topic)
      .then(() => this.changedAt.set(topic, Math.max(at, this.changedAt.get(topic) ?? 0)))
  }

  call(subscriber: Subscriber, tool: 'echo' | 'slow'): void {
    this.calls.push(
      subscriber.client.callTool(tool, {}, { timeoutMs: 15_000 }).then(
        () => 'answered',
        (err: Error) => {
          if (err.name === 'TimeoutError')
            throw new Error(`A call over ${subscriber.transport} has no answer`)
          return 'failed'
        },
      ),
    )
  }

  /** Waits until every client has been told of the latest change of each topic. */
  async allTold(deadlineMs: number): Promise<number> {
    const began = performance.now()
    const late = () =>
      this.subscribers.flatMap(({ toldAt, transport }) =>
        topics
          .filter((topic) => (toldAt.get(topic) ?? 0) < (this.changedAt.get(topic) ?? 0))
          .map((topic) => `${transport} of ${topic}`),
      )
    await until(
      () => late().length === 0,
      () => `Not told: ${late().join(', ')}`,
      deadlineMs,
    )
    return performance.now() - began
  }

  async end(): Promise<void> {
    await Promise.all(this.subscribers.map(({ client }) => client.close().catch(() => {})))
    await Promise.all(this.members.map(({ node }) => node.end()))
    await Promise.all(this.members.map(({ proxy }) => proxy.close()))
    for (const member of [...this.members]) this.#forget(member)
    await this.balancer.close()
    await this.redis.close()
  }

  async #addClient(transport: TransportName): Promise<void> {
    const path = transport === 'http+sse' || transport === 'paired' ? '/sse' : '/mcp'
    const client = await connect(this.balancer.url + path, { transport })
    const toldAt = new Map<string, number>()
    client.on('notifications/resources/updated', ({ uri }) => void toldAt.set(uri, performance.now()))
    // Where a gap cannot be ruled out, the client says so in place of each change.
    client.on('state', (event) => {
      if (event.state !== 'connected' || event.recovered !== false) return
      for (const topic of topics) toldAt.set(topic, performance.now())
    })
    for (const topic of topics) await client.subscribe(topic)
    this.subscribers.push({ client, transport, toldAt })
  }

  #forget(member: Member): void {
    this.#openedBefore += member.node.opened
    this.stderr += member.node.stderr
    this.members = this.members.filter((each) => each !== member)
    this.#balance()
  }

  #balance(): void {
    this.balancer.targets = this.members.map(({ node }) => node.port)
  }
}
