import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

interface NodeOptions {
  redisUrl: string
  leaseMs: number
  topics: readonly string[]
}

/** A node in a process of its own. */
export class NodeProcess {
  readonly port: number
  /** The number of sessions that were opened here, not adopted. */
  opened = 0
  /** The number of times that it saw the order of changes begin anew. */
  resyncs = 0
  /** What it has written to stderr: nothing, as long as nothing escapes it. */
  stderr = ''
  readonly #child: ChildProcess
  readonly #waiting = new Map<string, Set<() => void>>()

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
    child.stderr!.on('data', (text: Buffer) => (this.stderr += String(text)))
    child.on('message', (message: { opened?: true; changed?: string; begunAnew?: string }) => {
      if (message.opened) this.opened++
      if (message.begunAnew !== undefined) this.resyncs++
      if (message.changed === undefined) return
      const waiting = this.#waiting.get(message.changed)
      this.#waiting.delete(message.changed)
      for (const resolve of waiting ?? []) resolve()
    })
  }

  static async start(options: NodeOptions): Promise<NodeProcess> {
    const path = fileURLToPath(new URL('../dist/node.js', import.meta.url))
    const child = fork(path, [JSON.stringify(options)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    const port = await new Promise<number>((resolve, reject) => {
      child.on('message', (message: { port?: number }) => message.port && resolve(message.port))
      child.once('exit', (code) => reject(new Error(`A node has ended with ${code} before it began`)))
    })
    return new NodeProcess(child, port)
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Announces a change. Resolves when it is in the order, or never: when the node dies before. */
  changed(topic: string): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(topic) ?? new Set()
      this.#waiting.set(topic, waiting.add(resolve))
      if (this.#child.connected) this.#child.send(topic)
    })
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
