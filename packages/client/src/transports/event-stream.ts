import { headers, type JSONRPCMessage, parseJson, parseMessage } from '@tidings/protocol'
import type { EventSourceMessage } from 'eventsource-parser'
import { ConnectionError, ProtocolError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { readEvents } from './read-events.ts'
import { after, LinkedController, type Signal } from '../async/signals.ts'
import type { OpenStream } from '../http/http.ts'
import type { HttpResponse } from '../http/http-client.ts'
import { SeenIds } from './seen-ids.ts'

/** A stream that was kept alive by comments, and then was silent for this long, is not there any more. */
const silentMs = 60_000
/** One that was not may be quiet, or dead since it began: nobody can tell, so it is opened again after this long. */
const quietMs = 300_000

/** What an {@link EventStream} is made with. */
export interface EventStreamOptions {
  maxMessageLength: number
  logger: Logger
  onMessage: (message: JSONRPCMessage) => void
  /** An event that is not a message: its type and its data. */
  onEvent?: (type: string, data: string) => void
  /** Told of how long the server asks a reader to wait before it comes back. */
  onRetry?: (retryMs: number) => void
  /** Whether a silence of minutes says nothing: for what could not be opened again. */
  mayBeQuiet?: boolean
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
  /** The connection whose loss is the stream's. */
  #main: LinkedController | undefined
  /** All that are open, or being opened. */
  readonly #open = new Set<LinkedController>()

  constructor(options: EventStreamOptions) {
    this.#options = options
  }

  /** Where the stream can be resumed; undefined when it cannot, as its events have no ids. */
  get lastEventId(): string | undefined {
    return this.#seen.last
  }

  /** Whether it is open, or being opened. */
  get isOpen(): boolean {
    return this.#main !== undefined
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
    get: (options: OpenStream) => Promise<HttpResponse>,
    { resume, signal }: { resume: boolean; signal: Signal },
  ): Promise<boolean | undefined> {
    this.end()
    if (!resume) this.#seen = new SeenIds()
    const lastEventId = this.#seen.last
    const response = await this.#connect(get, lastEventId, signal)
    const recovered = response.header(headers.recovered.toLowerCase())
    return lastEventId === undefined || recovered === undefined ? undefined : recovered === 'true'
  }

  /**
   * Opens another connection beside the one there is, which is read until it ends. From here on the stream is lost with
   * the new one, or with the old one when the new one cannot be opened.
   *
   * @param signal gives up opening.
   */
  async openBeside(get: (options: OpenStream) => Promise<HttpResponse>, signal: Signal): Promise<void> {
    const before = this.#main
    try {
      await this.#connect(get, undefined, signal)
    } catch (error) {
      if (before && this.#open.has(before)) this.#main = before
      throw error
    }
  }

  async #connect(
    get: (options: OpenStream) => Promise<HttpResponse>,
    lastEventId: string | undefined,
    signal: Signal,
  ): Promise<HttpResponse> {
    const opening = new LinkedController(signal)
    this.#open.add(opening)
    this.#main = opening
    try {
      const response = await get({ lastEventId, signal: opening.signal })
      this.heardAt = Date.now()
      void this.#read(response, opening)
      return response
    } catch (error) {
      this.#ended(opening)
      throw error
    } finally {
      opening.release()
    }
  }

  /** Ends the stream. */
  end(): void {
    this.#main = undefined
    for (const open of this.#open) open.abort(new ConnectionError('The stream was ended'))
    this.#open.clear()
  }

  /** Forgets what was read: the next stream begins a new session. */
  forget(): void {
    this.#seen = new SeenIds()
  }

  async #read(response: HttpResponse, open: LinkedController): Promise<void> {
    const { maxMessageLength, mayBeQuiet, onLost } = this.#options
    const { signal } = open
    const seen = this.#seen
    const number = seen.opened()
    let lost: Error
    let comments = 0
    let stop = () => {}
    const onEvent = (event: EventSourceMessage) => {
      if (this.#open.has(open)) this.#take(event, seen.add(event.id, number))
    }
    const onRetry = (retryMs: number) => {
      this.retryMs = retryMs
      this.#options.onRetry?.(retryMs)
    }
    const onComment = () => comments++
    const onBytes = () => {
      this.heardAt = Date.now()
      stop()
      const longestMs = comments > 1 ? silentMs : mayBeQuiet ? Infinity : quietMs
      stop = after(longestMs, () => open.abort(new ConnectionError('The event stream fell silent')))
    }
    onBytes()
    try {
      await readEvents(response, { maxMessageLength, onEvent, onRetry, onBytes, onComment, signal })
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
    if (this.#ended(open)) onLost(lost)
  }

  /** @returns whether the stream has ended with this. */
  #ended(open: LinkedController): boolean {
    this.#open.delete(open)
    if (this.#main !== open) return false
    this.#main = undefined
    return true
  }

  #take({ event: type = 'message', data }: EventSourceMessage, isNew: boolean): void {
    const { logger, onEvent, onMessage } = this.#options
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
