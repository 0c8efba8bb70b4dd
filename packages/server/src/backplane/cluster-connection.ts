import type { Backplane, BackplaneHealth, BackplaneNode, ChangeFollower, SessionPlace } from './backplane.ts'
import type { CallName, ToPrimary, ToWorker } from './cluster-messages.ts'

interface Pending {
  /** Whether it waits for a primary that does not answer. */
  readonly isPatient: boolean
  resolve: (value: never) => void
  reject: (err: Error) => void
}

interface Certainty {
  promise: Promise<void>
  resolve: () => void
  reject: (err: Error) => void
}

/** How often a worker is heard of within the time of a lease. */
const renewalsPerLease = 4
/** A primary that has not answered for so long is taken for stopped, until it answers. */
const answerWithinMs = 2_000
/** What has to be done once there is a primary, however late. The rest fails where the primary does not answer. */
const patientCalls = new Set<CallName>(['follow', 'join'])

const notAnswered =
  'the primary of the cluster does not answer: it has to call ClusterBackplane.serve() before it forks'

/** A worker's end of the connection with its primary. */
export class ClusterConnection implements Backplane {
  readonly #send: (steps: readonly ToPrimary[]) => void
  readonly #pending = new Map<number, Pending>()
  readonly #followers = new Map<number, ChangeFollower>()
  readonly #members = new Map<string, BackplaneNode>()
  #nodes: readonly string[] = []
  #steps: ToPrimary[] = []
  #published: Set<string> | undefined
  #lastId = 0
  #generation = 0
  /** By the monotonic clock, which goes on while this process stands still. */
  #leaseEnd = 0
  #timer: NodeJS.Timeout | undefined
  #lateTimer: NodeJS.Timeout | undefined
  /** Why nothing can be asked now: the primary does not answer. */
  #unanswered: Error | undefined
  #whenCertain: Certainty | undefined
  #lost: Error | undefined

  /** @param send sends the steps of one turn of the event loop to the primary. */
  constructor(send: (steps: readonly ToPrimary[]) => void) {
    this.#send = send
    this.#renew()
  }

  follow(follower: ChangeFollower): Promise<void> {
    this.unfollow(follower)
    const id = ++this.#lastId
    this.#followers.set(id, follower)
    return this.#call('follow', id)
  }

  unfollow(follower: ChangeFollower): void {
    for (const [id, each] of this.#followers) {
      if (each !== follower) continue
      this.#followers.delete(id)
      this.#ask(['unfollow', id])
    }
  }

  publish(topic: string): void {
    if (this.#published === undefined) {
      const published = new Set<string>()
      this.#published = published
      this.#ask(['publish', published as never])
    }
    // Once, where it was published last: the order is that of the latest changes.
    this.#published.delete(topic)
    this.#published.add(topic)
  }

  join(member: BackplaneNode): Promise<void> {
    this.#members.set(member.node, member)
    return this.#call('join', member.node)
  }

  leave(node: string): Promise<void> {
    this.#members.delete(node)
    return this.#call('leave', node)
  }

  retire(node: string): void {
    this.#ask(['retire', node])
  }

  nodes(): readonly string[] {
    return this.#nodes
  }

  certain(): Promise<void> | undefined {
    if (performance.now() < this.#leaseEnd) return undefined
    const reason = this.#lost ?? this.#unanswered
    if (reason !== undefined) return Promise.reject(reason)
    if (this.#whenCertain === undefined) {
      let settle: Pick<Certainty, 'resolve' | 'reject'> | undefined
      const promise = new Promise<void>((resolve, reject) => (settle = { resolve, reject }))
      this.#whenCertain = { promise, ...settle! }
      this.#renew()
    }
    return this.#whenCertain.promise
  }

  send(from: string, to: string, mail: Uint8Array): Promise<void> {
    return this.#call('send', from, to, Buffer.from(mail).toString('base64'), this.#generation)
  }

  async claim(session: string, node: string, keepMs: number, record?: string): Promise<SessionPlace> {
    return this.#call('claim', session, node, keepMs, record ?? null)
  }

  async adopt(session: string, node: string): Promise<SessionPlace | undefined> {
    return (await this.#call<SessionPlace | null>('adopt', session, node)) ?? undefined
  }

  save(session: string, node: string, record: string): Promise<boolean> {
    return this.#call('save', session, node, record)
  }

  async handOver(session: string, node: string, record: string): Promise<string | undefined> {
    return (await this.#call<string | null>('handOver', session, node, record)) ?? undefined
  }

  release(session: string, node: string): void {
    this.#ask(['release', session, node])
  }

  get health(): BackplaneHealth {
    const nodes = this.#nodes.length
    if (performance.now() < this.#leaseEnd) return { status: 'connected', nodes }
    return { status: 'degraded', reason: notAnswered, nodes }
  }

  /** Takes the steps of one message, in order. */
  receive(steps: readonly ToWorker[]): void {
    if (this.#unanswered !== undefined) {
      this.#unanswered = undefined
      this.#lookForAnswer()
      this.#flush()
    }
    for (const step of steps) this.#take(step)
  }

  /** The primary is gone, or the worker is disconnected from it. */
  close(): void {
    this.#lost = new Error('The worker is disconnected from the primary of its cluster')
    this.#leaseEnd = 0
    clearTimeout(this.#timer)
    clearTimeout(this.#lateTimer)
    this.#fail(() => true, this.#lost)
    this.#whenCertain?.reject(this.#lost)
    this.#whenCertain = undefined
  }

  #take(step: ToWorker): void {
    switch (step[0]) {
      case 'resync':
        return this.#followers.get(step[1])?.resync(step[2])
      case 'changed':
        return this.#followers.get(step[1])?.changed(step[2], step[3])
      case 'mail':
        return this.#members.get(step[1])?.receive(step[2], Buffer.from(step[3], 'base64'))
      case 'gone':
        return this.#members.get(step[1])?.gone(step[2])
      case 'nodes':
        this.#nodes = step[1]
        return
      case 'answer':
        this.#pending.get(step[1])?.resolve(step[2] as never)
        this.#pending.delete(step[1])
        return
      case 'failed':
        this.#pending.get(step[1])?.reject(new Error(step[2]))
        this.#pending.delete(step[1])
        return
      case 'renewed':
        return this.#renewed(step[1], step[2])
      case 'displaced':
        return this.#displaced(step[1])
    }
  }

  #renewed(sentAtMs: number, leaseMs: number): void {
    clearTimeout(this.#lateTimer)
    this.#lateTimer = undefined
    this.#leaseEnd = sentAtMs + leaseMs
    if (performance.now() >= this.#leaseEnd) return this.#renew()
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#renew(), leaseMs / renewalsPerLease).unref()
    this.#whenCertain?.resolve()
    this.#whenCertain = undefined
  }

  /** The primary has taken this worker for gone, and dropped what it was to be told. */
  #displaced(generation: number): void {
    this.#generation = generation
    this.#fail(() => true, new Error('The lease of the worker had run out'))
    for (const member of [...this.#members.values()]) {
      for (const other of this.#nodes) if (other !== member.node) member.gone(other)
      member.displaced()
    }
  }

  #fail(which: (call: Pending) => boolean, err: Error): void {
    for (const [id, call] of [...this.#pending]) {
      if (!which(call)) continue
      this.#pending.delete(id)
      call.reject(err)
    }
  }

  #renew(): void {
    if (this.#lost !== undefined) return
    this.#ask(['renew', performance.now()])
    this.#lookForAnswer()
  }

  /** What the primary has answered while this process stood still is read first. */
  #lookForAnswer(): void {
    clearTimeout(this.#lateTimer)
    const timer = setTimeout(() => {
      setImmediate(() => {
        if (this.#lateTimer === timer && this.#lost === undefined) this.#isUnanswered()
      })
    }, answerWithinMs).unref()
    this.#lateTimer = timer
  }

  #isUnanswered(): void {
    this.#unanswered = new Error(`No answer within ${answerWithinMs} ms: ${notAnswered}`)
    this.#fail(({ isPatient }) => !isPatient, this.#unanswered)
    this.#whenCertain?.reject(this.#unanswered)
    this.#whenCertain = undefined
  }

  #call<Value>(name: CallName, ...args: (string | number | null)[]): Promise<Value> {
    const isPatient = patientCalls.has(name)
    const reason = this.#lost ?? (isPatient ? undefined : this.#unanswered)
    if (reason !== undefined) return Promise.reject(reason)
    const id = ++this.#lastId
    return new Promise<Value>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, isPatient })
      this.#ask(['call', id, name, args])
    })
  }

  #ask(step: ToPrimary): void {
    if (this.#steps.length === 0) queueMicrotask(() => this.#flush())
    this.#steps.push(step)
  }

  /** Nothing is sent to a primary that does not answer: what it has not read would take up memory without bound. */
  #flush(): void {
    if (this.#unanswered !== undefined || this.#steps.length === 0) return
    const steps = this.#steps.map((step) =>
      step[0] === 'publish' ? (['publish', [...step[1]]] as const) : step,
    )
    this.#steps = []
    this.#published = undefined
    if (this.#lost === undefined) this.#send(steps)
  }
}
