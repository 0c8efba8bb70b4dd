import {
  errorCodes,
  type List,
  listNames,
  lists,
  McpError,
  normalUri,
  recovery,
  type ServerCapabilities,
  type SubscriptionFilter,
} from '@tidings/protocol'
import { Deferred } from '../async/deferred.ts'
import { abortable, after, onAbort, type Signal } from '../async/signals.ts'
import type { Connection } from '../connection/connection.ts'
import { ConnectionError, HttpError, isPermanent, isTemporary } from '../errors.ts'
import type { Listeners } from '../messages/listeners.ts'
import { type Acknowledgement, ListenStream, type ListenStreamOwner } from './listen-stream.ts'
import type { ModernCalls } from './modern-calls.ts'
import type { ResponseCache } from './response-cache.ts'

// How long the previous stream is still read after another one has taken its place.
const drainMs = 1_000

/**
 * Keeps one stream of changes open for all lists and resources that the client listens to. When they change, another
 * stream takes the place of the current one, without a gap.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions
 */
export class ChangeStreamKeeper implements ListenStreamOwner {
  /** The capabilities of the server: they say which lists it announces, and whether it knows what was missed. */
  capabilities: ServerCapabilities = {}
  readonly #calls: ModernCalls
  readonly #connection: Connection
  readonly #listeners: Listeners
  readonly #cache: ResponseCache
  /** The resources to listen to. Each promise settles when the server has agreed to the resource, or has not. */
  readonly #uris = new Map<string, Deferred<void>>()
  /** The lists whose changes the server does not announce. */
  readonly #refused = new Set<List>()
  /** The current stream, and what the server agreed to announce on it. */
  #stream: ListenStream | undefined
  #filter: SubscriptionFilter = {}
  /** The stream that is to take its place, and the filter it was requested with. */
  #opening: ListenStream | undefined
  #asked: SubscriptionFilter = {}
  /** The position that the lost stream had reached. */
  #position: string | undefined
  /** Whether streams are opened as they are needed. Otherwise the restore of the connection opens them. */
  #up = false
  /** Set while a stream for the current needs is being opened. Resolves when it is open, or cannot be opened. */
  #update: Deferred<void> | undefined
  #cancelUpdate = () => {}

  constructor(calls: ModernCalls, connection: Connection, listeners: Listeners, cache: ResponseCache) {
    this.#calls = calls
    this.#connection = connection
    this.#listeners = listeners
    this.#cache = cache
    connection.onRestore(({ signal }) => this.#restore(signal))
    listeners.onChange(() => this.#changed())
    onAbort(connection.closing, () => {
      this.#cancelUpdate()
      this.#update?.resolve()
    })
  }

  /** Listens to a resource. Resolves when the server has agreed to announce its changes. Rejects when it has not. */
  async add(uri: string): Promise<void> {
    let added = this.#uris.get(uri)
    if (!added) {
      this.#uris.set(uri, (added = new Deferred()))
      this.#changed()
    }
    await added.promise
  }

  remove(uri: string): void {
    this.#refuse(uri, new DOMException('The client does not listen to the resource any more', 'AbortError'))
    this.#changed()
  }

  /** Whether a stream for what is listened to by now is still being opened. */
  get isSettling(): boolean {
    return this.#update !== undefined
  }

  /** Resolves when the stream for everything that is listened to by now is open, or cannot be opened. */
  async settled(signal: Signal): Promise<void> {
    await abortable(Promise.resolve(this.#update?.promise), signal)
  }

  acknowledged(stream: ListenStream, { agreed, recovered }: Acknowledgement): void {
    const filter: SubscriptionFilter = {}
    for (const list of listNames) {
      const field = lists[list].filter
      if (this.#asked[field] && agreed[field]) filter[field] = true
      else if (this.#asked[field]) this.#refused.add(list)
    }
    const agreedUris = new Set(agreed.resourceSubscriptions?.map(normalUri))
    for (const uri of this.#asked.resourceSubscriptions ?? []) {
      if (agreedUris.has(normalUri(uri))) {
        ;(filter.resourceSubscriptions ??= []).push(uri)
        this.#uris.get(uri)?.resolve()
      } else {
        const message = `The server does not announce changes of ${uri}: it has not acknowledged the resource`
        this.#refuse(uri, new McpError(errorCodes.invalidParams, message))
      }
    }
    this.#replace(stream, filter)
    if (!this.#up) {
      if (!recovered) this.#markMissed()
    } else if (recovered === false) {
      this.#lost(new ConnectionError('The server does not know any more which changes it has sent'))
      // The position of this stream says nothing about the changes that were missed before.
      this.#position = undefined
    }
  }

  ended(stream: ListenStream, error: Error): void {
    if (stream === this.#stream) this.#lost(error)
  }

  /** Other lists or resources may be listened to. All changes of one tick lead to one stream. */
  #changed(): void {
    if (this.#update || !this.#up || this.#isCurrent()) return
    const update = (this.#update = new Deferred())
    this.#cancelUpdate = after(0, () => void this.#run().finally(() => update.resolve()))
  }

  /** Opens a stream for everything that is listened to, after the connection was lost. */
  async #restore(signal: Signal): Promise<void> {
    this.#stop()
    this.#refused.clear()
    while (!this.#isCurrent()) {
      try {
        await this.#open(signal)
      } catch (error) {
        if (signal.aborted || !isRefusal(error)) throw error
        this.#markMissed()
        this.#refuseNew(error)
      }
    }
    this.#up = true
  }

  async #run(): Promise<void> {
    while (this.#up && !this.#isCurrent()) {
      try {
        await this.#open(this.#connection.closing)
      } catch (error) {
        if (!this.#up) break
        if (isPermanent(error) || isTemporary(error)) this.#lost(error as Error)
        else this.#refuseNew(error)
      }
    }
    this.#update = undefined
  }

  /** Opens a stream in place of the current one. */
  async #open(signal: Signal): Promise<void> {
    this.#asked = this.#wanted()
    if (isEmpty(this.#asked)) return this.#replace(undefined, {})
    const position = this.#canRecover() ? (this.#stream?.position ?? this.#position) : undefined
    const stream = (this.#opening = new ListenStream(
      this.#asked,
      position,
      this,
      this.#calls,
      this.#connection.closing,
    ))
    this.#stream?.isFollowedBy(stream)
    try {
      await abortable(stream.acknowledged.promise, signal)
    } catch (error) {
      stream.end()
      throw error
    }
  }

  #replace(stream: ListenStream | undefined, filter: SubscriptionFilter): void {
    const before = this.#stream
    this.#filter = filter
    // A stream with nothing to announce is not kept open.
    this.#stream = isEmpty(filter) ? undefined : stream
    if (!this.#stream) stream?.end()
    this.#position = undefined
    // With recovery, the new stream brings the changes that may still be under way on the previous one.
    if (this.#canRecover()) before?.end()
    else before?.endAfter(drainMs)
  }

  #lost(error: Error): void {
    this.#stop()
    this.#connection.lost(error)
  }

  #stop(): void {
    this.#position = this.#stream?.position ?? this.#position
    this.#up = false
    const streams = [this.#stream, this.#opening]
    this.#stream = this.#opening = undefined
    this.#filter = {}
    for (const stream of streams) stream?.end()
  }

  /** Gives up everything that the current stream does not announce. */
  #refuseNew(error: unknown): void {
    for (const uri of this.#uris.keys()) {
      if (!this.#filter.resourceSubscriptions?.includes(uri)) this.#refuse(uri, error)
    }
    for (const list of listNames) if (!this.#filter[lists[list].filter]) this.#refused.add(list)
    // The refused filter may have been a smaller one: the current stream covers it as well.
    if (this.#stream) this.#filter = this.#wanted()
  }

  #refuse(uri: string, error: unknown): void {
    this.#uris.get(uri)?.reject(error)
    this.#uris.delete(uri)
  }

  #isCurrent(): boolean {
    return JSON.stringify(this.#wanted()) === JSON.stringify(this.#filter)
  }

  /** The filter for everything that is listened to. */
  #wanted(): SubscriptionFilter {
    const filter: SubscriptionFilter = {}
    for (const list of listNames) {
      if (this.#isHeard(list) && !this.#refused.has(list)) filter[lists[list].filter] = true
    }
    if (this.#uris.size > 0) filter.resourceSubscriptions = [...this.#uris.keys()].sort()
    return filter
  }

  /** Whether a list has listeners, and the server announces its changes. */
  #isHeard(list: List): boolean {
    return this.capabilities[list]?.listChanged === true && this.#listeners.has(lists[list].changed)
  }

  /** Whether the server knows which changes a reader has missed. */
  #canRecover(): boolean {
    return recovery.extension in (this.capabilities.extensions ?? {})
  }

  /** Changes may have been missed: cached results may be out of date. */
  #markMissed(): void {
    this.#cache.clear()
    this.#connection.markMissed()
  }
}

function isEmpty(filter: SubscriptionFilter): boolean {
  return Object.keys(filter).length === 0
}

/** True when the server would refuse the same filter again. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof HttpError)) return error instanceof McpError
  return error.status < 500 && !isPermanent(error) && !isTemporary(error)
}
