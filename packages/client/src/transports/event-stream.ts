import { headers, type JSONRPCMessage, parseJson, parseMessage } from '@tidings/protocol'
import type { EventSourceMessage } from 'eventsource-parser'
import { ConnectionError, ProtocolError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { readEvents } from '../read-events.ts'
import { after, LinkedController } from '../signals.ts'
import type { OpenStream } from './http.ts'
import { SeenIds } from './seen-ids.ts'

/** A stream that was kept alive by comments, and then was silent for this long, is not there any more. */
const silentMs = 60_000

/** What an {@link EventStream} is made with. */
export interface EventStreamOptions {
  maxEventBytes: number
  logger: Logger
  onMessage: (message: JSONRPCMessage) => void
  /** An event that is not a message: its type and its data. */
  onEvent?: (type: string, data: string) => void
  /** Told of how long the server asks a reader to wait before it comes back. */
  onRetry?: (retryMs: number) => void
  /** The open stream was lost. Not called for one that was ended here. */
  onLost: (error: Error) => void
}

/**
 * An event stream, over the connections it may take: each `open()` goes on after the last event that was read, and gives
 * nothing twice.
 */
export class EventStream {
  heardAt = Date.now()
  retryMs: number | undefined
  readonly #options: EventStreamOptions
  #seen = new SeenIds()
  #open: AbortController | undefined

  constructor(options: EventStreamOptions) {
    this.#options = options
  }

  /** Where the stream can be resumed; undefined when it cannot, as its events have no ids. */
  get lastEventId(): string | undefined {
    return this.#seen.last
  }

  /** Whether it is open, or being opened. */
  get isOpen(): boolean {
    return this.#open !== undefined
  }

  /**
   * Opens the stream, in place of the one that may be open.
   *
   * @param get makes the request, or has made it.
   * @param options.resume whether to ask for what came after the last event. Otherwise all that was read is forgotten.
   * @param options.signal gives up opening; once it is open, {@link end} ends it.
   * @returns what the server says of the resume: undefined when it was not asked, or does not say.
   */
  async open(
    get: (options: OpenStream) => Promise<Response>,
    { resume, signal }: { resume: boolean; signal: AbortSignal },
  ): Promise<boolean | undefined> {
    this.end()
    if (resume) this.#seen.reopened()
    else this.#seen = new SeenIds()
    const opening = new LinkedController(signal)
    this.#open = opening
    try {
      const lastEventId = this.#seen.last
      const response = await get({ lastEventId, signal: opening.signal })
      this.heardAt = Date.now()
      void this.#read(response.body!, opening)
      const recovered = response.headers.get(headers.recovered)
      return lastEventId === undefined || recovered === null ? undefined : recovered === 'true'
    } catch (error) {
      if (this.#open === opening) this.#open = undefined
      throw error
    } finally {
      opening.release()
    }
  }

  /** Ends the stream. */
  end(): void {
    this.#open?.abort(new ConnectionError('The stream was ended'))
    this.#open = undefined
  }

  /** Forgets what was read: the next stream begins a new session. */
  forget(): void {
    this.#seen = new SeenIds()
  }

  async #read(body: ReadableStream<Uint8Array>, open: AbortController): Promise<void> {
    const { maxEventBytes, onLost } = this.#options
    const { signal } = open
    let lost: Error
    let comments = 0
    let stop = () => {}
    const onRetry = (retryMs: number) => {
      this.retryMs = retryMs
      this.#options.onRetry?.(retryMs)
    }
    const onComment = () => comments++
    const onBytes = () => {
      this.heardAt = Date.now()
      stop()
      if (comments > 1)
        stop = after(silentMs, () => open.abort(new ConnectionError('The event stream fell silent')))
    }
    try {
      for await (const event of readEvents(body, { maxEventBytes, onRetry, onBytes, onComment, signal })) {
        if (this.#open !== open) return
        this.#take(event)
      }
      lost = signal.aborted
        ? (signal.reason as Error)
        : new ConnectionError('The server ended the event stream')
    } catch (cause) {
      // What cannot be read now could not be read again either.
      if (cause instanceof ProtocolError) this.forget()
      lost =
        cause instanceof ProtocolError ? cause : new ConnectionError('The event stream broke off', { cause })
    } finally {
      stop()
    }
    if (this.#open !== open) return
    this.#open = undefined
    onLost(lost)
  }

  #take({ event: type = 'message', id, data }: EventSourceMessage): void {
    const { logger, onEvent, onMessage } = this.#options
    const isNew = this.#seen.add(id)
    // Without data it only tells the id.
    if (data === '') return
    if (type !== 'message') return onEvent?.(type, data)
    if (!isNew) return
    try {
      const value = parseJson(data)
      // A batch is allowed by one revision, and harmless in all.
      for (const message of Array.isArray(value) ? value : [value]) onMessage(parseMessage(message))
    } catch (err) {
      logger.warn({ err, data: data.slice(0, 200) }, 'the server sent an event that is not a message')
    }
  }
}
