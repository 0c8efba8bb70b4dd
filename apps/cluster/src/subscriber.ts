import { type Client, connect, ConnectionError, type TransportName } from '@tidings/client'
import type { ChangeLog } from './change-log.ts'
import type { History } from './history.ts'
import { type HeardChange, heardWithoutSession, hearingFetch } from './heard-events.ts'

/** A call that has ended. */
export interface EndedCall {
  readonly call: number
  /** The error; undefined when it was answered. */
  readonly error?: Error
  /** Whether the tool can have run. */
  readonly mayHaveRun: boolean
}

interface Told extends HeardChange {
  readonly at: number
}

let clients = 0

/** A client that watches topics, and what it was told of them. */
export class Subscriber {
  /** What was wrong. */
  readonly faults: string[] = []
  /** How often the client said that it may have missed something. */
  doubts = 0
  /** Since when it has been connected, by `performance.now()`; undefined while it is not. */
  connectedAt: number | undefined = performance.now()
  /** How many notifications of each topic came. */
  readonly counts = new Map<string, number>()
  readonly client: Client
  readonly transport: TransportName
  readonly #watchedSince = new Map<string, number>()
  readonly #told = new Map<string, Told>()
  readonly #heard = new Map<string, number>()
  /** The last change that was told: of each topic, or of all where they come in one order. */
  readonly #last = new Map<string, HeardChange>()
  #doubtedAt = 0

  readonly #name: string
  readonly #history: History

  private constructor(client: Client, transport: TransportName, name: string, history: History) {
    this.#name = name
    this.#history = history
    this.client = client
    this.transport = transport
  }

  /** @throws what `connect` throws. */
  static async connect(url: string, transport: TransportName, history: History): Promise<Subscriber> {
    const name = `client ${++clients} (${transport})`
    const path = transport === 'http+sse' || transport === 'paired' ? '/sse' : '/mcp'
    let hear: (change: HeardChange) => void = () => {}
    const client = await connect(url + path, {
      transport,
      // Without a session the client tells apart what two streams bring, and its listeners get the position.
      ...(transport !== 'stateless' && { fetch: hearingFetch((change) => hear(change)) }),
    })
    const subscriber = new Subscriber(client, transport, name, history)
    hear = (change) => subscriber.#hear(change)
    client.on('notifications/resources/updated', (params) => {
      subscriber.counts.set(params.uri, (subscriber.counts.get(params.uri) ?? 0) + 1)
      if (transport === 'stateless') hear(heardWithoutSession(params))
    })
    client.on('state', (event) => {
      history.add(name, `${event.state} ${event.recovered ?? ''} ${event.error ?? ''}`)
      subscriber.connectedAt = event.state === 'connected' ? performance.now() : undefined
      if (event.state !== 'connected' || event.recovered !== false) return
      subscriber.doubts++
      subscriber.#doubtedAt = performance.now()
      subscriber.#last.clear()
    })
    return subscriber
  }

  get hasSession(): boolean {
    return this.transport !== 'stateless'
  }

  get watched(): readonly string[] {
    return [...this.#watchedSince.keys()]
  }

  /** Rejects when it is not certain that the topic is watched. */
  async watch(topic: string): Promise<void> {
    await this.client.subscribe(topic)
    this.#watchedSince.set(topic, performance.now())
  }

  async unwatch(topic: string): Promise<void> {
    this.#watchedSince.delete(topic)
    await this.client.unsubscribe(topic)
  }

  async call(tool: 'echo' | 'slow', call: number): Promise<EndedCall> {
    this.#history.add(this.#name, `call ${call} of ${tool}`)
    try {
      await this.client.callTool(tool, { call }, { timeoutMs: 15_000 })
      this.#history.add(this.#name, `call ${call} is answered`)
      return { call, mayHaveRun: true }
    } catch (err) {
      const error = err as Error
      this.#history.add(this.#name, `call ${call} has failed: ${error}`)
      return { call, error, mayHaveRun: !(error instanceof ConnectionError) || error.mayHaveRun }
    }
  }

  /** The topics of whose latest change it does not know. */
  late(log: ChangeLog): string[] {
    return this.watched.filter((topic) => {
      const latest = log.latest.get(topic)
      if (latest === undefined || latest.announcedBy < this.#watchedSince.get(topic)!) return false
      if (this.#doubtedAt >= latest.announcedBy) return false
      const told = this.#told.get(topic)
      if (told === undefined) return true
      if (told.epoch === log.epoch && told.position !== 0) return told.position < latest.seq
      return told.at < latest.announcedBy
    })
  }

  /** Compares what came with what the client told its listeners. */
  checkListeners(): void {
    for (const [uri, heard] of this.#heard) {
      const told = this.counts.get(uri) ?? 0
      if (told !== heard)
        this.faults.push(`${heard} notifications of ${uri} came, listeners were told of ${told}`)
    }
  }

  close(): Promise<void> {
    return this.client.close()
  }

  #hear(change: HeardChange): void {
    const { uri, epoch, position } = change
    this.#history.add(this.#name, `told of ${uri} at ${epoch}.${position}`)
    this.#told.set(uri, { ...change, at: performance.now() })
    this.#heard.set(uri, (this.#heard.get(uri) ?? 0) + 1)
    if (position === 0) return
    // Without a session, topics that are watched later come on another stream.
    const order = this.hasSession ? '' : uri
    const last = this.#last.get(order)
    if (epoch === last?.epoch && position <= last.position) {
      this.faults.push(`change ${position} of ${uri} came after change ${last.position}`)
    }
    this.#last.set(order, change)
  }
}
