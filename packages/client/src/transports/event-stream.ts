import { headers, isResponse, type JSONRPCMessage, type JSONRPCResponse } from '@tidings/protocol'
import type { EventSourceMessage } from 'eventsource-parser'
import { after, LinkedController, type Signal } from '../async/signals.ts'
import { ConnectionError, ProtocolError } from '../errors.ts'
import type { HttpResponse } from '../http/http-client.ts'
import type { OpenStream } from '../http/http.ts'
import type { Logger } from '../logger.ts'
import { readEvents } from './read-events.ts'
import { readMessages } from './read-messages.ts'
import { SeenIds } from './seen-ids.ts'
import type { TransportListener } from './transport.ts'

/** A stream with keep-alive comments is lost after a silence of this length. */
const silentMs = 60_000
/**
 * A stream without them may be quiet or dead, which looks the same. It is opened again after a silence of this length.
 */
export const quietMs = 300_000

/** Options of an {@link EventStream}. */
export interface EventStreamOptions {
  maxMessageLength: number
  logger: Logger
  /** Receives the requests and notifications of the server. */
  listener: Pick<TransportListener, 'message'>
  /** Receives the responses. Without it they are dropped. */
  onResponse?: (response: JSONRPCResponse) => void
  /** Receives each event that is not a message: its type and its data. */
  onEvent?: (type: string, data: string) => void
  /** Called with the delay before a reconnect that the server asks for, in milliseconds. */
  onRetry?: (retryMs: number) => void
  /** Whether the stream may be silent for any length of time, because it cannot be opened again. */
  mayBeQuiet?: boolean
  /** Called when the open stream is lost, and not after `end()`. */
  onLost: (error: Error) => void
}

/**
 * An event stream, over any number of connections. Each `open()` goes on after the last event that was read, and no
 * event is delivered twice.
 */
export class EventStream {
  heardAt = Date.now()
  retryMs: number | undefined
  readonly #options: EventStreamOptions
  #seen = new SeenIds()
  /** The connection whose loss is the loss of the stream. */
  #main: LinkedController | undefined
  /** All connections that are open, or being opened. */
  readonly #open = new Set<LinkedController>()

  constructor(options: EventStreamOptions) {
    this.#options = options
  }

  /** The id to resume the stream with. Undefined when it cannot be resumed, because its events have no usable id. */
  get lastEventId(): string | undefined {
    return this.#seen.last
  }

  /** Whether the stream is open, or being opened. */
  get isOpen(): boolean {
    return this.#main !== undefined
  }

  /**
   * Opens the stream, in place of the connection that may be open.
   *
   * @param get makes the request, or returns the response it has.
   * @param options.resume whether to ask for the events after the last one. Otherwise all ids are forgotten.
   * @param options.signal aborts the attempt. {@link end} ends a stream that is open.
   * @returns what the server says about the resume: undefined when it was not asked, or does not say.
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
   * Opens a second connection beside the current one, which is read until it ends. From here on the loss of the new
   * connection is the loss of the stream; if it cannot be opened, the old one counts again.
   *
   * @param signal aborts the attempt.
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

  /** Ends the stream. */
  end(): void {
    this.#main = undefined
    for (const open of this.#open) open.abort(new ConnectionError('The stream was ended'))
    this.#open.clear()
  }

  /** Forgets all ids: the next stream belongs to a new session. */
  forget(): void {
    this.#seen = new SeenIds()
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

  async #read(response: HttpResponse, open: LinkedController): Promise<void> {
    const { maxMessageLength, mayBeQuiet, onLost } = this.#options
    const { signal } = open
    const seen = this.#seen
    const number = seen.opened()
    let lost: Error
    let comments = 0
    let isNew = true
    let stop = () => {}
    const onId = (id: string) => {
      if (this.#open.has(open)) isNew = seen.add(id, number)
    }
    const onEvent = (event: EventSourceMessage) => {
      if (this.#open.has(open)) this.#take(event, event.id === undefined || isNew)
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
      await readEvents(response, { maxMessageLength, onEvent, onId, onRetry, onBytes, onComment, signal })
      lost = signal.aborted
        ? (signal.reason as Error)
        : new ConnectionError('The server ended the event stream')
    } catch (cause) {
      // An event that cannot be read now cannot be read after a resume either.
      if (cause instanceof ProtocolError) this.forget()
      lost =
        cause instanceof ProtocolError ? cause : new ConnectionError('The event stream broke off', { cause })
    } finally {
      stop()
    }
    if (this.#ended(open)) onLost(lost)
  }

  /** @returns whether the end of this connection is the end of the stream. */
  #ended(open: LinkedController): boolean {
    this.#open.delete(open)
    if (this.#main !== open) return false
    this.#main = undefined
    return true
  }

  #take({ event: type = 'message', data }: EventSourceMessage, isNew: boolean): void {
    // A server sends an event without data to set an id.
    if (data === '') return
    if (type !== 'message') return this.#options.onEvent?.(type, data)
    if (!isNew) return
    let messages: JSONRPCMessage[]
    try {
      messages = readMessages(data, this.#options)
    } catch (err) {
      // Somebody waits for a response. Other messages can be done without.
      if (err instanceof ProtocolError && !/"method"\s*:/.test(data.slice(0, 1_000))) throw err
      this.#options.logger.warn(
        { err, data: data.slice(0, 200) },
        'the server sent an event that is not a message',
      )
      return
    }
    for (const message of messages) this.#deliver(message)
  }

  #deliver(message: JSONRPCMessage): void {
    const { listener, onResponse } = this.#options
    if (!isResponse(message)) listener.message(message)
    else onResponse?.(message)
  }
}
