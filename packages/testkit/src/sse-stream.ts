import type { IncomingMessage } from 'node:http'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { reset } from './reset.ts'

/** One event of a stream, as it was parsed. */
export type SseEvent = EventSourceMessage

/** Told of what comes on an event stream. */
export interface SseListener {
  /** The id of an event, before the event itself: also of one that has no data and is therefore not told. */
  id?(id: string): void
  event?(event: SseEvent): void
  comment?(text: string): void
  retry?(ms: number): void
}

/** An event stream, read off the response to an HTTP request, that can be stalled and cut as a network would. */
export class SseStream {
  readonly response: IncomingMessage
  #closed = false

  constructor(response: IncomingMessage, listener: SseListener) {
    this.response = response
    const parser = createParser({
      onId: (id) => listener.id?.(id),
      onEvent: (event) => listener.event?.(event),
      onComment: (text) => listener.comment?.(text),
      onRetry: (ms) => listener.retry?.(ms),
    })
    response.setEncoding('utf8')
    response.on('data', (text: string) => parser.feed(text))
    response.on('error', () => {}) // 'close' follows
    response.once('close', () => (this.#closed = true))
  }

  /** Whether the stream has come to its end, or was cut. */
  get closed(): boolean {
    return this.#closed
  }

  /** Reads no more: the socket fills up. */
  stall(): void {
    this.response.pause()
  }

  /** Reads again. */
  goOn(): void {
    this.response.resume()
  }

  /** Ends the connection: by a FIN, or by a reset. */
  cut(how: 'fin' | 'reset' = 'fin'): void {
    if (how === 'reset') reset(this.response.socket)
    else this.response.destroy()
  }
}
