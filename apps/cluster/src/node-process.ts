import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { History } from './history.ts'

export interface NodeOptions {
  readonly redisUrl: string
  readonly leaseMs: number
  /** The resources. */
  readonly topics: readonly string[]
  /** The requests after which a connection is closed; 0 for no limit. */
  readonly requestsPerConnection: number
}

/** What a node tells its parent. */
export interface NodeMessage {
  /** It listens. */
  readonly port?: number
  /** It has opened a session; it does not say so when it adopts one. */
  readonly opened?: true
  /** A tool was run for this call. */
  readonly ran?: number
  /** How often it was told anew of all changes. */
  readonly resyncs?: number
}

/** What a node says of itself. */
interface NodeHealth {
  /** Those whose home it believes to be. */
  readonly sessions: { readonly open: number }
  readonly backplane: { readonly status: 'connected' | 'degraded' }
}

/** A node in a process of its own. */
export class NodeProcess {
  readonly port: number
  /** The number of sessions that were opened here, not adopted. */
  opened = 0
  /** How often something may have been missed, so that the order of changes was told anew. */
  resyncs = 0
  /** Of each call, how often its tool was run here. */
  readonly runs: number[] = []
  /** What it has written to stderr: nothing, as long as nothing escapes it. */
  stderr = ''
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
    child.stderr!.on('data', (text: Buffer) => (this.stderr += String(text)))
    child.on('message', ({ opened, ran, resyncs }: NodeMessage) => {
      if (opened) this.opened++
      if (ran !== undefined) this.runs.push(ran)
      if (resyncs !== undefined) this.resyncs = resyncs
    })
  }

  static async start(options: NodeOptions, history: History): Promise<NodeProcess> {
    const path = fileURLToPath(new URL('../dist/node.js', import.meta.url))
    const child = fork(path, [JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    createInterface(child.stdout!).on('line', (line) => history.add(`node ${child.pid}`, line))
    const port = await new Promise<number>((resolve, reject) => {
      child.on('message', ({ port }: NodeMessage) => port !== undefined && resolve(port))
      child.once('exit', (code) => reject(new Error(`A node has ended with ${code} before it began`)))
    })
    return new NodeProcess(child, port)
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get pid(): number {
    return this.#child.pid!
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Announces a change. */
  changed(topic: string): void {
    if (this.#child.connected) this.#child.send(topic, () => {})
  }

  async health(): Promise<NodeHealth> {
    return (await (await fetch(`${this.url}/health`)).json()) as NodeHealth
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ends it, and resolves when it has ended. */
  async end(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    if (!this.alive) return
    const exited = once(this.#child, 'exit')
    this.#child.kill(signal)
    await exited
  }
}
