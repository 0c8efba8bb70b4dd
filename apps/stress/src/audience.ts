import { Agent } from 'node:http'
import type { TransportName } from '@tidings/client'
import { until } from '@tidings/testkit/until'
import { check } from './check.ts'
import { type Newest, sharedNow } from './commands.ts'
import { Latency } from './latency.ts'
import { patienceMs } from './patience.ts'
import { Reader } from './reader.ts'
import { transports } from './wire/transport-shapes.ts'

/** How an audience is made. */
export interface AudienceOptions {
  count: number
  topics: readonly string[]
  port: () => number
  /** By default all of them in turn. */
  transports?: readonly TransportName[]
  /** How many of the topics each reader watches. Default 1. */
  topicsEach?: number
  retryMs?: number
}

interface Known {
  seq: number
  version: number
}

/**
 * So many topics.
 *
 * @param length how long their URIs are at the least: with long ones a socket is soon full.
 */
export function topics(count: number, prefix: string, length = 0): string[] {
  return Array.from({ length: count }, (_, i) => `stress:///${prefix}-${i}-`.padEnd(length, 'x'))
}

/** How many readers open their streams at a time: more than the backlog of a listening socket would wait for retries. */
const atOnce = 200

/** Many readers of one server, and what each of them knows. */
export class Audience {
  readonly readers: Reader[] = []
  readonly #options: AudienceOptions
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })
  readonly #known = new Map<Reader, Map<string, Known>>()
  /** When what was told arrived, by reader, while that is measured. */
  #arrivals: [seq: number, atMs: number][] | undefined

  constructor(options: AudienceOptions) {
    this.#options = options
  }

  /** Resolves when all are there, and ready. */
  async gather(): Promise<void> {
    const { count } = this.#options
    for (let i = 0; i < count; i += atOnce) {
      const next = Array.from({ length: Math.min(atOnce, count - i) }, (_, j) => this.#add(i + j))
      await until(
        () => next.every(({ ready }) => ready),
        () => `${next.filter(({ ready }) => !ready).length} of ${next.length} readers are not ready`,
        patienceMs,
      )
    }
  }

  get size(): number {
    return this.readers.length
  }

  /** How many changes were told in all. */
  get told(): number {
    return this.#sum(({ counts }) => counts.told)
  }

  /** How many streams went on where they had been left. */
  get recovered(): number {
    return this.#sum(({ counts }) => counts.recovered)
  }

  /** Resolves when every reader knows the newest of each topic it watches. Throws if one was told what it may not be. */
  async untilNewest(newest: Readonly<Record<string, Newest>>): Promise<void> {
    const behind = () => this.readers.filter((reader) => !this.#knows(reader, newest))
    await until(
      () => behind().length === 0,
      () => {
        const [first, ...others] = behind()
        const known = JSON.stringify([...this.#known.get(first!)!])
        return `${others.length + 1} of ${this.size} readers do not know the newest; one by ${first!.transport} knows ${known} of ${JSON.stringify(newest)}`
      },
      patienceMs,
    )
    this.assertOrder()
  }

  /** Throws if a reader was told something twice, or out of order, or a message is missing. */
  assertOrder(): void {
    for (const { transport, order } of this.readers)
      check(order.faults.length === 0, `${transport}: ${order.faults[0]}`)
  }

  /** Measures how long what is published at a pace takes to arrive. */
  async measure(publish: () => Promise<[seq: number, atMs: number][]>, perChange: number): Promise<Latency> {
    const arrivals: [seq: number, atMs: number][] = (this.#arrivals = [])
    const published = new Map(await publish())
    await until(
      () => arrivals.length >= published.size * perChange,
      () => `${arrivals.length} of ${published.size * perChange} changes have arrived`,
      patienceMs,
    )
    this.#arrivals = undefined
    const latency = new Latency()
    for (const [seq, atMs] of arrivals) {
      const since = published.get(seq)
      if (since !== undefined) latency.add(atMs - since)
    }
    return latency
  }

  cut(how: 'reset' | 'fin' = 'reset'): void {
    for (const reader of this.readers) reader.cut(how)
  }

  /** All go: their sessions are ended first, unless they leave without a word. */
  async leave({ withoutAWord = false } = {}): Promise<void> {
    if (!withoutAWord) {
      for (let i = 0; i < this.size; i += atOnce)
        await Promise.all(this.readers.slice(i, i + atOnce).map((reader) => reader.leave()))
    }
    for (const reader of this.readers) reader.stop()
    this.#agent.destroy()
  }

  #add(index: number): Reader {
    const { topics, port, topicsEach = 1, retryMs = 100, transports: its = transports } = this.#options
    const known = new Map<string, Known>()
    const reader = new Reader({
      transport: its[index % its.length]!,
      uris: Array.from(
        { length: topicsEach },
        (_, i) => topics[(Math.floor(index / its.length) + i) % topics.length]!,
      ),
      streamPort: port,
      messagePort: port,
      agent: this.#agent,
      retryMs,
      silentMs: 120_000,
      onChange: (uri, { seq }) => {
        this.#arrivals?.push([seq, sharedNow()])
        known.set(uri, { seq, version: known.get(uri)?.version ?? -1 })
      },
      onRead: (uri, text) => known.set(uri, { seq: known.get(uri)?.seq ?? -1, version: Number(text) }),
    })
    this.#known.set(reader, known)
    this.readers.push(reader)
    return reader
  }

  #knows(reader: Reader, newest: Readonly<Record<string, Newest>>): boolean {
    const known = this.#known.get(reader)!
    for (const uri of reader.uris) {
      const wanted = newest[uri]
      const its = known.get(uri)
      if (wanted && its?.seq !== wanted.seq && its?.version !== wanted.version) return false
    }
    return true
  }

  #sum(of: (reader: Reader) => number): number {
    return this.readers.reduce((sum, reader) => sum + of(reader), 0)
  }
}
