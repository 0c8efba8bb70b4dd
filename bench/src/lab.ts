import { fileURLToPath } from 'node:url'
import { Balancer } from '@tidings/testkit/balancer'
import { RedisServer } from '@tidings/testkit/redis-server'
import { Child } from './child.ts'
import type { Peer } from './peers.ts'
import type { Usage } from './usage.ts'
import type { TransportName } from './wire.ts'

/** How measuring is done. */
export interface LabOptions {
  /** By how much every count and duration is multiplied. */
  scale: number
  /** Where a profile of what is measured is written; undefined for none. */
  profile?: string | undefined
}

/** What was measured, and how much of a core each side had used. */
export interface Measured<Result> {
  result: Result
  subject: Usage
  shares: { subjectShare: number; otherShare: number }
}

/** The processes of one run of a case. */
export class Lab {
  readonly #children: Child[] = []
  readonly #closers: (() => Promise<void>)[] = []
  readonly #options: LabOptions

  constructor(options: LabOptions) {
    this.#options = options
  }

  /** A count, as large as is wanted. */
  count(full: number): number {
    return Math.max(1, Math.round(full * this.#options.scale))
  }

  seconds(full: number): number {
    return full * this.#options.scale
  }

  /** Starts the server of a peer. */
  async startServer(
    peer: Peer,
    transport: TransportName,
    ...args: string[]
  ): Promise<{ server: Child; port: number }> {
    const server = await this.#start(`servers/${peer}`, [transport, ...args])
    return { server, port: await server.ask<number>('port') }
  }

  /** Starts our server as a node on Redis, or alone. */
  async startNode(redis?: RedisServer): Promise<{ server: Child; port: number }> {
    const server = await this.#start('servers/node', redis === undefined ? [] : [redis.url])
    return { server, port: await server.ask<number>('port') }
  }

  /** Starts our server twice in one process: as a node on Redis, and alone. */
  async startNodeAndAlone(redis: RedisServer): Promise<{ server: Child; port: number; alonePort: number }> {
    const server = await this.#start('servers/node-and-alone', [redis.url])
    return {
      server,
      port: await server.ask<number>('port'),
      alonePort: await server.ask<number>('alonePort'),
    }
  }

  /** Starts our server as so many workers of node:cluster. */
  async startWorkers(count: number): Promise<{ server: Child; port: number }> {
    const server = await this.#start('servers/workers', [String(count)])
    return { server, port: await server.ask<number>('port') }
  }

  /** Starts a Redis that keeps nothing on disk. */
  async startRedis(): Promise<RedisServer> {
    const redis = await RedisServer.start()
    this.#closers.push(() => redis.close())
    return redis
  }

  /** Starts a balancer that gives each connection to another of the ports. */
  async startBalancer(ports: number[]): Promise<number> {
    const balancer = await Balancer.start(ports)
    this.#closers.push(() => balancer.close())
    return balancer.port
  }

  startLoad(): Promise<Child> {
    return this.#start('load/load', [])
  }

  /** Starts many of our clients in one process. */
  startCrowd(): Promise<Child> {
    return this.#start('clients/crowd', [])
  }

  /** Starts the client of a peer. */
  startClient(peer: Peer): Promise<Child> {
    return this.#start(`clients/${peer}`, [])
  }

  /** Does the work, and gives what the subject used meanwhile; and the other side, for who has to wait for whom. */
  measure<Result>(subject: Child, other: Child, work: () => Promise<Result>): Promise<Measured<Result>> {
    return this.#measure(subject, other, work, this.#options.profile)
  }

  /** The same of what the subject is compared with: no profile is taken. */
  measureBeside<Result>(beside: Child, other: Child, work: () => Promise<Result>): Promise<Measured<Result>> {
    return this.#measure(beside, other, work, undefined)
  }

  async close(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop()))
    await Promise.all(this.#closers.map((close) => close()))
  }

  async #measure<Result>(
    subject: Child,
    other: Child,
    work: () => Promise<Result>,
    profile: string | undefined,
  ): Promise<Measured<Result>> {
    await other.ask('begin', { profile: false })
    await subject.ask('begin', { profile: profile !== undefined })
    const result = await work()
    const used = await subject.ask<Usage>('end', { profile })
    const usedByOther = await other.ask<Usage>('end', {})
    const shareOf = ({ cpuMs, elapsedMs }: Usage) => cpuMs / elapsedMs
    const shares = { subjectShare: shareOf(used), otherShare: shareOf(usedByOther) }
    return { result, subject: used, shares }
  }

  async #start(program: string, args: string[]): Promise<Child> {
    const child = await Child.start(program, args)
    this.#children.push(child)
    return child
  }
}

/** Where profiles are written. */
export const profilesFolder = fileURLToPath(new URL('../profiles', import.meta.url))
