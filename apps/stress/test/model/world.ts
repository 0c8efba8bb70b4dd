import { type Client, connect, type TransportName } from '@tidings/client'
import { McpServer, serve, type Serving } from '@tidings/server'
import { TcpProxy } from '@tidings/testkit/tcp-proxy'
import { until } from '@tidings/testkit/until'
import { Reader } from '../../src/reader.ts'
import { sessionEnd } from '../../src/wire/transport-shapes.ts'
import { post } from '../../src/wire/post.ts'
import type { Command, NetworkFault, Side } from './commands.ts'
import { subscribed, Truth, uris } from './truth.ts'

/** How long a bare reader takes a silent stream to be alive: a little longer than two keep-alives of the server. */
const silentMs = 40_000
/** How long a test waits for what must come, in milliseconds of the time there really is. */
const deadlineMs = 8_000
const clientMark = 'x-is-client'

interface Watch {
  seen: number[]
  stop: AbortController
  ended: Promise<void>
}

/** A server, and by one transport a bare reader and our client, each behind a network of its own. */
export class World {
  readonly #transport: TransportName
  readonly #truth = new Truth()
  readonly #networks: Record<Side, TcpProxy>
  readonly #watches = new Map<string, Watch>()
  readonly #faults: string[] = []
  /** How often our client has been told of what it is subscribed to, of late, or that it may have missed that. */
  #heard = Infinity
  /** What the reader knows: the newest version it was told of, or has read. */
  readonly #known = new Map<string, number>()
  #server!: McpServer
  #serving!: Serving
  #reader!: Reader
  #client!: Client
  /** The request that would end the client's session. */
  #clientSession: (() => Promise<unknown>) | undefined
  #pings = { sent: 0, answered: 0, lost: 0 }

  private constructor(transport: TransportName, networks: Record<Side, TcpProxy>) {
    this.#transport = transport
    this.#networks = networks
  }

  /** Everything is well: the reader and the client watch the first resource. */
  static async make(transport: TransportName): Promise<World> {
    const networks = { reader: await TcpProxy.to(0), client: await TcpProxy.to(0) }
    const world = new World(transport, networks)
    await world.#serve()
    await world.#connect()
    return world
  }

  async run(command: Command): Promise<void> {
    if ('side' in command) return this.#happen(this.#networks[command.side], command)
    switch (command.do) {
      case 'publish':
        for (let i = 0; i < command.times; i++) this.#truth.publish(uris[command.name], this.#server)
        return
      case 'watch':
        this.#reader.watch(uris[command.name])
        return this.#watch(uris[command.name])
      case 'unwatch':
        this.#reader.unwatch(uris[command.name])
        return this.#unwatch(uris[command.name])
      case 'ping':
        return this.#ping()
      case 'pass':
        // Time passes: this is no wait for something, which is why nothing is waited for.
        return new Promise((resolve) => setTimeout(resolve, command.ms))
      case 'restart':
        await this.#stopServing(command.how)
        return this.#serve()
      case 'end session of':
        if (command.whose === 'reader') await this.#reader.endSession()
        else await this.#clientSession?.()
    }
  }

  /** Has the network be well, and waits until all is known that is to be known. Throws when that does not come to be. */
  async settle(): Promise<void> {
    for (const network of Object.values(this.#networks)) network.heal()
    await this.#untilSettled('after quiet')
    // And it goes on: a watch may have read what is new although it is not told any more. The first of these changes may
    // find a client that has not come back yet, and will know that it has missed something.
    for (const when of ['after one more change', 'after another']) {
      this.#heard = 0
      for (const uri of [...Object.values(uris), subscribed]) this.#truth.publish(uri, this.#server)
      await this.#untilSettled(when)
    }
    const wrong = [...this.#faults, ...this.#reader.order.faults, ...this.#watchFaults()]
    if (wrong.length > 0) throw new Error(wrong.join('; '))
  }

  async #untilSettled(when: string): Promise<void> {
    await until(
      () => this.#faults.length > 0 || this.#unsettled().length === 0,
      () => `${when}: ${this.#unsettled().join('; ')}`,
      deadlineMs,
    )
  }

  async close(): Promise<void> {
    for (const network of Object.values(this.#networks)) network.heal()
    await this.#client.close()
    this.#reader.stop()
    await this.#stopServing('abruptly')
    for (const network of Object.values(this.#networks)) await network.close()
    await Promise.all([...this.#watches.values()].map(({ ended }) => ended))
  }

  #happen(network: TcpProxy, fault: NetworkFault): void {
    switch (fault.do) {
      case 'cut':
        return network.cut({ how: fault.how })
      case 'go half-open':
        return network.goHalfOpen(fault.directions)
      case 'delay':
        return network.delay(fault.directions, fault.ms)
      case 'write one by one':
        return network.writeOneByOne(fault.directions)
      case 'stall':
        return network.stall(fault.directions)
      case 'refuse':
        return network.refuse()
      case 'hold next':
        return network.holdNext()
      case 'heal':
        return network.heal()
    }
  }

  async #serve(): Promise<void> {
    this.#server = new McpServer({ name: 'model', version: '0' })
    this.#truth.register(this.#server)
    this.#serving = await serve(this.#server)
    for (const network of Object.values(this.#networks)) network.target = this.#serving.port
    this.#serving.http.on('request', ({ url = '', headers }) => {
      if (headers[clientMark] === undefined) return
      const { pathname, search, searchParams } = new URL(url, this.#serving.url)
      const session = (headers['mcp-session-id'] as string | undefined) ?? pathname + search
      const keys = { clientId: searchParams.get('client_id') ?? '', session }
      const known =
        this.#transport === 'paired' ||
        (this.#transport === 'http+sse' && pathname === '/messages') ||
        (this.#transport === 'streamable-http' && headers['mcp-session-id'] !== undefined)
      if (known)
        this.#clientSession = () => post({ port: this.#serving.port, ...sessionEnd(this.#transport, keys) })
    })
  }

  async #stopServing(how: 'gracefully' | 'abruptly'): Promise<void> {
    if (how === 'abruptly') this.#serving.http.closeAllConnections()
    await this.#serving.close({ deadlineMs: 0 })
    this.#clientSession = undefined
  }

  async #connect(): Promise<void> {
    this.#reader = new Reader({
      transport: this.#transport,
      uris: [uris.a],
      streamPort: () => this.#networks.reader.port,
      messagePort: () => this.#serving.port,
      retryMs: 500,
      silentMs,
      onChange: (uri, change) => this.#learn(uri, () => this.#truth.versionTold(uri, change)),
      onRead: (uri, text) => this.#learn(uri, () => Number(text)),
    })
    await until(() => this.#reader.ready, 'the reader is not ready', deadlineMs)
    const path = this.#transport === 'http+sse' || this.#transport === 'paired' ? '/sse' : '/mcp'
    this.#client = await connect(this.#networks.client.url + path, {
      transport: this.#transport,
      headers: { [clientMark]: 'yes' },
      // Time is fast, and what is done for the first time is slow.
      connectTimeoutMs: 100_000,
    })
    this.#client.on('state', ({ state, recovered, error }) => {
      if (recovered === false) this.#heard++
      if (state === 'closed' && error) this.#faults.push(`the client closed: ${error.message}`)
    })
    this.#client.on('notifications/resources/updated', ({ uri }) => {
      if (uri === subscribed) this.#heard++
    })
    await this.#client.subscribe(subscribed)
    this.#watch(uris.a)
  }

  #learn(uri: string, version: () => number): void {
    try {
      this.#known.set(uri, Math.max(this.#known.get(uri) ?? -1, version()))
    } catch (error) {
      this.#faults.push((error as Error).message)
    }
  }

  #watch(uri: string): void {
    if (this.#watches.has(uri)) return
    const seen: number[] = []
    const stop = new AbortController()
    const follow = async () => {
      for await (const { contents } of this.#client.watch(uri, { signal: stop.signal }))
        seen.push(Number((contents[0] as { text: string }).text))
      if (!stop.signal.aborted && this.#client.state !== 'closed') throw new Error('it ended')
    }
    const ended = follow().catch((error: Error) => {
      if (!stop.signal.aborted) this.#faults.push(`the watch of ${uri} failed: ${error.stack}`)
    })
    this.#watches.set(uri, { seen, stop, ended })
  }

  #unwatch(uri: string): void {
    this.#watches.get(uri)?.stop.abort()
    this.#watches.delete(uri)
    this.#known.delete(uri)
  }

  #ping(): void {
    this.#pings.sent++
    this.#reader.request('ping').then(
      () => this.#pings.answered++,
      () => this.#pings.lost++,
    )
  }

  /** What is not yet as it must be in the end. */
  #unsettled(): string[] {
    const missing: string[] = []
    for (const [uri, { seen }] of this.#watches) {
      const version = this.#truth.versionOf(uri)
      if (seen.at(-1) !== version)
        missing.push(`the client (${this.#client.state}) has seen ${uri} at ${seen.join()}, not ${version}`)
    }
    for (const uri of this.#reader.uris) {
      const version = this.#truth.versionOf(uri)
      const known = this.#known.get(uri)
      if (known !== version)
        missing.push(`the reader (${this.#reader.ready}) knows ${uri} at ${known}, not ${version}`)
    }
    if (this.#heard === 0) missing.push('the client has not heard of what it is subscribed to')
    const { sent, answered, lost } = this.#pings
    if (answered + lost !== sent) missing.push(`${sent} pings, ${answered} answered, ${lost} lost`)
    return missing
  }

  #watchFaults(): string[] {
    return [...this.#watches].flatMap(([uri, { seen }]) =>
      seen.some((version, i) => version < (seen[i - 1] ?? 0))
        ? [`the watch of ${uri} went back: ${seen.join()}`]
        : [],
    )
  }
}
