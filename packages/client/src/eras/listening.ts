import { errorCodes, McpError, type SubscriptionFilter } from '@tidings/protocol'
import { Deferred } from '../async/deferred.ts'
import { ConnectionError, HttpError, isFinal, isTransient } from '../errors.ts'
import { type Acknowledgement, ListenStream, type ListenStreamOptions } from './listen-stream.ts'
import { abortable, after, onAbort, type Signal } from '../async/signals.ts'

/** The lists a client can hear of, by their names in a filter. */
export const lists = {
  toolsListChanged: 'tools',
  promptsListChanged: 'prompts',
  resourcesListChanged: 'resources',
} as const

type List = keyof typeof lists
const listNames = Object.keys(lists) as List[]

// How long the stream before is still read when another has taken its place.
const drainMs = 1_000

/** What {@link Listening} is made with. */
export interface ListeningOptions extends Omit<ListenStreamOptions, 'acknowledged' | 'ended'> {
  /** Whether a list is to be heard of, and the server tells of it. */
  isHeard(list: List): boolean
  /** Whether the server can say what was missed. */
  canRecover(): boolean
  /** What was open is lost: `restore` is to be called. */
  lost(error: Error): void
  /** What is restored is not all that was missed. */
  missed(): void
}

/**
 * What the server tells of by itself: one stream for all that somebody wants to hear of. When that changes, another one
 * takes its place, without a gap.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions
 */
export class Listening {
  readonly #options: ListeningOptions
  readonly #streamOptions: ListenStreamOptions
  /** The resources to hear of. Each is settled when the server has agreed to it, or has not. */
  readonly #uris = new Map<string, Deferred<void>>()
  /** The lists that the server does not tell of. */
  readonly #refused = new Set<List>()
  /** The stream there is, and what it tells of. */
  #stream: ListenStream | undefined
  #filter: SubscriptionFilter = {}
  /** The one that is to take its place, and what it was asked for. */
  #opening: ListenStream | undefined
  #asked: SubscriptionFilter = {}
  /** How far the stream had told that was lost. */
  #position: string | undefined
  /** Whether streams are opened as they are wanted. Otherwise it is for `restore` to do. */
  #up = false
  /** There while a stream is to be opened that tells of what is wanted; settled when it is, or cannot be. */
  #update: Deferred<void> | undefined
  #cancelUpdate = () => {}

  constructor(options: ListeningOptions) {
    this.#options = options
    this.#streamOptions = {
      ...options,
      acknowledged: (stream, acknowledgement) => this.#acknowledged(stream, acknowledgement),
      ended: (stream, error) => stream === this.#stream && this.#lost(error),
    }
    onAbort(options.closing, () => {
      this.#cancelUpdate()
      this.#update?.resolve()
    })
  }

  /** Resolves when the server has agreed to tell of the resource. Throws when it has not. */
  async add(uri: string): Promise<void> {
    let added = this.#uris.get(uri)
    if (!added) {
      this.#uris.set(uri, (added = new Deferred()))
      this.changed()
    }
    await added.promise
  }

  remove(uri: string): void {
    this.#refuse(uri, new DOMException('It is not listened to any more', 'AbortError'))
    this.changed()
  }

  /** There may be other lists to hear of. What changes at the same time makes one stream. */
  changed(): void {
    if (this.#update || !this.#up || this.#isCurrent()) return
    const update = (this.#update = new Deferred())
    this.#cancelUpdate = after(0, () => void this.#run().finally(() => update.resolve()))
  }

  /** Resolves when what is wanted by now is listened to, or cannot be. */
  async settled(signal: Signal): Promise<void> {
    await abortable(Promise.resolve(this.#update?.promise), signal)
  }

  /** Listens again to all there is to hear of. */
  async restore(signal: Signal): Promise<void> {
    this.#stop()
    this.#refused.clear()
    while (!this.#isCurrent()) {
      try {
        await this.#open(signal)
      } catch (error) {
        if (signal.aborted || !isRefusal(error)) throw error
        this.#options.missed()
        this.#refuseNew(error)
      }
    }
    this.#up = true
  }

  async #run(): Promise<void> {
    while (this.#up && !this.#isCurrent()) {
      try {
        await this.#open(this.#options.closing)
      } catch (error) {
        if (!this.#up) break
        if (isFinal(error) || isTransient(error)) this.#lost(error as Error)
        else this.#refuseNew(error)
      }
    }
    this.#update = undefined
  }

  /** Has a stream take the place of the one there is. */
  async #open(signal: Signal): Promise<void> {
    this.#asked = this.#wanted()
    if (isEmpty(this.#asked)) return this.#replace(undefined, {})
    const position = this.#options.canRecover() ? (this.#stream?.position ?? this.#position) : undefined
    const stream = (this.#opening = new ListenStream(this.#asked, position, this.#streamOptions))
    try {
      await abortable(stream.acknowledged.promise, signal)
    } catch (error) {
      stream.end()
      throw error
    }
  }

  #acknowledged(stream: ListenStream, { agreed, recovered }: Acknowledgement): void {
    const filter: SubscriptionFilter = {}
    for (const list of listNames) {
      if (this.#asked[list] && agreed[list]) filter[list] = true
      else if (this.#asked[list]) this.#refused.add(list)
    }
    for (const uri of this.#asked.resourceSubscriptions ?? []) {
      if (agreed.resourceSubscriptions?.includes(uri)) {
        ;(filter.resourceSubscriptions ??= []).push(uri)
        this.#uris.get(uri)?.resolve()
      } else {
        const message = `The server does not tell of changes of ${uri}: it is not acknowledged`
        this.#refuse(uri, new McpError(errorCodes.invalidParams, message))
      }
    }
    this.#replace(stream, filter)
    if (!this.#up) {
      if (!recovered) this.#options.missed()
    } else if (recovered === false) {
      this.#lost(new ConnectionError('The server does not know any more what it has told'))
      // How far this stream has told says nothing of what was missed before.
      this.#position = undefined
    }
  }

  #replace(stream: ListenStream | undefined, filter: SubscriptionFilter): void {
    const before = this.#stream
    this.#filter = filter
    // One that tells of nothing is not kept open.
    this.#stream = isEmpty(filter) ? undefined : stream
    if (!this.#stream) stream?.end()
    this.#position = undefined
    // The next one is told by its position what may still be under way on the one before.
    if (this.#options.canRecover()) before?.end()
    else before?.endAfter(drainMs)
  }

  #lost(error: Error): void {
    this.#stop()
    this.#options.lost(error)
  }

  #stop(): void {
    this.#position = this.#stream?.position ?? this.#position
    this.#up = false
    const streams = [this.#stream, this.#opening]
    this.#stream = this.#opening = undefined
    this.#filter = {}
    for (const stream of streams) stream?.end()
  }

  /** Gives up what the stream there is does not tell of. */
  #refuseNew(error: unknown): void {
    for (const uri of this.#uris.keys()) {
      if (!this.#filter.resourceSubscriptions?.includes(uri)) this.#refuse(uri, error)
    }
    for (const list of listNames) if (!this.#filter[list]) this.#refused.add(list)
    // It may be less that was wanted, and refused: the stream there is tells of that, too.
    if (this.#stream) this.#filter = this.#wanted()
  }

  #refuse(uri: string, error: unknown): void {
    this.#uris.get(uri)?.reject(error)
    this.#uris.delete(uri)
  }

  #isCurrent(): boolean {
    return JSON.stringify(this.#wanted()) === JSON.stringify(this.#filter)
  }

  /** What there is to hear of. */
  #wanted(): SubscriptionFilter {
    const filter: SubscriptionFilter = {}
    for (const list of listNames) {
      if (this.#options.isHeard(list) && !this.#refused.has(list)) filter[list] = true
    }
    if (this.#uris.size > 0) filter.resourceSubscriptions = [...this.#uris.keys()].sort()
    return filter
  }
}

function isEmpty(filter: SubscriptionFilter): boolean {
  return Object.keys(filter).length === 0
}

/** True when listening again would be refused again. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof HttpError)) return error instanceof McpError
  return error.status < 500 && !isFinal(error) && !isTransient(error)
}
