import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { ProtocolError } from '../errors.ts'
import { EventLines } from './event-lines.ts'
import { onAbort, type Signal } from '../async/signals.ts'
import type { HttpResponse } from '../http/http-client.ts'

/** How a stream is read. */
export interface ReadEventsOptions {
  /** The size an event, or anything else that has to be held until it is complete, may have, in characters. */
  maxMessageLength: number
  /** Called with each event. */
  onEvent: (event: EventSourceMessage) => void
  /** Called with each `retry:` field: how long the server wants a reader to wait before it comes back. */
  onRetry?: (retryMs: number) => void
  /** Called whenever anything arrived, be it only a comment. */
  onBytes?: () => void
  /** Called with each comment. */
  onComment?: () => void
  /** Aborting it ends the events. */
  signal?: Signal
}

/**
 * Reads the events of a `text/event-stream` body, as they arrive. Ends when the body ends; an event that is cut off then
 * is not given. One that is only an id has empty data.
 *
 * @throws {ProtocolError} when something is larger than `maxMessageLength`.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export async function readEvents(
  response: Pick<HttpResponse, 'read' | 'cancel'>,
  { maxMessageLength, onEvent, onRetry, onBytes, onComment, signal }: ReadEventsOptions,
): Promise<void> {
  let tooLarge = false
  const parser = createParser({
    maxBufferSize: maxMessageLength,
    onEvent: (event) => {
      // The parser bounds what it holds; an event that arrives in one piece is never held.
      tooLarge ||= event.data.length > maxMessageLength
      if (!tooLarge) onEvent(event)
    },
    onError: (error) => (tooLarge ||= error.type === 'max-buffer-size-exceeded'),
    onRetry,
    onComment,
  })
  const lines = new EventLines()
  const off = signal && onAbort(signal, () => response.cancel())
  try {
    await response.read((text) => {
      onBytes?.()
      parser.feed(lines.take(text))
      if (!tooLarge) return
      throw new ProtocolError(
        `The server sent an event of more than ${maxMessageLength} characters; allow more by maxMessageLength`,
      )
    })
  } finally {
    off?.()
  }
}
