import type { ChangeFollower } from './backplane.ts'
import type { CallName, ToPrimary, ToWorker } from './cluster-messages.ts'
import type { MemoryBackplane } from './memory-backplane.ts'

/** Past this a worker that does not read is gone, until it has read. */
const maxWaitingCharacters = 64 * 1024 * 1024
const maxWaitingSteps = 200_000

export interface WorkerLinkOptions {
  backplane: MemoryBackplane
  leaseMs: number
  /** Sends the steps to the worker, and calls back when they have left this process, or cannot. */
  send: (steps: readonly ToWorker[], left: () => void) => void
  nodesChanged: () => void
  closed: () => void
}

/** The primary's end of the connection with one worker. */
export class WorkerLink {
  readonly #options: WorkerLinkOptions
  readonly #followers = new Map<number, ChangeFollower>()
  /** The nodes of the worker, and whether they have retired. */
  readonly #nodes = new Map<string, boolean>()
  #steps: ToWorker[] = []
  #characters = 0
  #waitingSteps = 0
  #waitingCharacters = 0
  /** How often the worker was suspended. Mail that it sent before it knew is not delivered. */
  #generation = 0
  #suspended = false
  #closed = false
  #lease: NodeJS.Timeout | undefined

  constructor(options: WorkerLinkOptions) {
    this.#options = options
    this.#renew()
  }

  /** Takes the steps of one message, in order. */
  receive(steps: readonly ToPrimary[]): void {
    if (this.#closed) return
    this.#renew()
    if (this.#suspended && this.#waitingSteps === 0) this.#restore()
    for (const step of steps) this.#take(step)
  }

  tellNodes(names: readonly string[]): void {
    this.#tell(['nodes', names])
  }

  /** The worker is dead, or disconnected. */
  close(): void {
    if (this.#closed) return
    this.#suspend()
    this.#closed = true
    clearTimeout(this.#lease)
    this.#options.closed()
  }

  #take(step: ToPrimary): void {
    const { backplane, leaseMs, nodesChanged } = this.#options
    switch (step[0]) {
      case 'publish':
        for (const topic of step[1]) backplane.publish(topic)
        return
      case 'release':
        return backplane.release(step[1], step[2])
      case 'unfollow':
        return this.#unfollow(step[1])
      case 'retire':
        if (this.#nodes.has(step[1])) this.#nodes.set(step[1], true)
        return backplane.retire(step[1])
      case 'renew':
        return this.#tell(['renewed', step[1], leaseMs])
      case 'call': {
        // The worker is told that they failed when it is restored.
        if (this.#suspended) return
        const [, id, name, args] = step
        this.#call(name, args).then(
          (value) => this.#tell(['answer', id, value ?? null]),
          (err: unknown) => this.#tell(['failed', id, (err as Error).message]),
        )
        if (name === 'join' || name === 'leave') nodesChanged()
      }
    }
  }

  #call(name: CallName, args: readonly unknown[]): Promise<unknown> {
    const { backplane } = this.#options
    const [a, b, c, d] = args as [string, string, string, string | null]
    switch (name) {
      case 'follow':
        return this.#follow(Number(a))
      case 'join':
        this.#nodes.set(a, false)
        return this.#join(a)
      case 'leave':
        this.#nodes.delete(a)
        return backplane.leave(a)
      case 'send':
        if (Number(d) !== this.#generation)
          return Promise.reject(new Error(`The lease of node ${a} had run out`))
        return backplane.send(a, b, Buffer.from(c, 'base64'))
      case 'claim':
        return backplane.claim(a, b, Number(c), d ?? undefined)
      case 'adopt':
        return backplane.adopt(a, b)
      case 'save':
        return backplane.save(a, b, c)
      case 'handOver':
        return backplane.handOver(a, b, c)
    }
  }

  #follow(id: number): Promise<void> {
    const follower: ChangeFollower = {
      resync: (snapshot) => this.#tell(['resync', id, snapshot]),
      changed: (topic, seq) => this.#tell(['changed', id, topic, seq]),
    }
    this.#followers.set(id, follower)
    return this.#options.backplane.follow(follower)
  }

  #unfollow(id: number): void {
    const follower = this.#followers.get(id)
    if (follower !== undefined) this.#options.backplane.unfollow(follower)
    this.#followers.delete(id)
  }

  #join(node: string): Promise<void> {
    return this.#options.backplane.join({
      node,
      receive: (from, mail) => this.#tell(['mail', node, from, Buffer.from(mail).toString('base64')]),
      gone: (other) => this.#tell(['gone', node, other]),
      displaced: () => {},
    })
  }

  #renew(): void {
    clearTimeout(this.#lease)
    // What the worker sent while this process itself stood still is read first.
    const expired = () => setImmediate(() => this.#expire(deadline))
    const deadline = performance.now() + this.#options.leaseMs
    this.#deadline = deadline
    this.#lease = setTimeout(expired, this.#options.leaseMs).unref()
  }

  #deadline = 0

  #expire(deadline: number): void {
    if (this.#deadline === deadline) this.#suspend()
  }

  /** Nothing is sent any more, and the nodes of the worker are gone. */
  #suspend(): void {
    if (this.#suspended || this.#closed) return
    this.#suspended = true
    this.#steps = []
    this.#characters = 0
    const { backplane, nodesChanged } = this.#options
    for (const follower of this.#followers.values()) backplane.unfollow(follower)
    for (const node of this.#nodes.keys()) void backplane.leave(node)
    if (this.#nodes.size > 0) nodesChanged()
  }

  /** The worker reads again. */
  #restore(): void {
    const { backplane, nodesChanged, leaseMs } = this.#options
    this.#suspended = false
    this.#generation++
    for (const [node, retired] of this.#nodes) {
      void this.#join(node)
      if (retired) backplane.retire(node)
    }
    nodesChanged()
    this.#tell(['displaced', this.#generation, leaseMs])
    for (const id of this.#followers.keys()) void this.#follow(id)
  }

  #tell(step: ToWorker): void {
    if (this.#suspended || this.#closed) return
    if (this.#steps.length === 0) queueMicrotask(() => this.#flush())
    this.#steps.push(step)
    for (const part of step) if (typeof part === 'string') this.#characters += part.length
    const isTooMuch =
      this.#waitingSteps + this.#steps.length > maxWaitingSteps ||
      this.#waitingCharacters + this.#characters > maxWaitingCharacters
    if (isTooMuch) this.#suspend()
  }

  #flush(): void {
    const steps = this.#steps
    const characters = this.#characters
    if (steps.length === 0) return
    this.#steps = []
    this.#characters = 0
    this.#waitingSteps += steps.length
    this.#waitingCharacters += characters
    this.#options.send(steps, () => {
      this.#waitingSteps -= steps.length
      this.#waitingCharacters -= characters
    })
  }
}
