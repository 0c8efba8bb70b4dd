import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { onAbort, type Signal } from '../async/signals.ts'
import { ProtocolError } from '../errors.ts'
import type { HttpResponse } from '../http/http-client.ts'

/** Options of {@link readEvents}. */
export interface ReadEventsOptions {
  /** The maximum length of an event, or of any text that has to be held until it is complete, in characters. */
  maxMessageLength: number
  /** Called with each event that has data. */
  onEvent: (event: EventSourceMessage) => void
  /** Called with each id, before its event. An id needs no event. */
  onId?: (id: string) => void
  /** Called with each `retry:` field: the delay before a reconnect, in milliseconds. */
  onRetry?: (retryMs: number) => void
  /** Called whenever anything arrives, even a comment. */
  onBytes?: () => void
  /** Called with each comment. */
  onComment?: () => void
  /** Aborting it ends the reading and cancels the body. */
  signal?: Signal
}

/**
 * Reads the events of a `text/event-stream` body as they arrive. Resolves at the end of the body; an event that is cut
 * off there is discarded.
 *
 * @throws {ProtocolError} when an event is longer than `maxMessageLength`.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export async function readEvents(
  response: Pick<HttpResponse, 'read' | 'cancel'>,
  { maxMessageLength, onEvent, onId, onRetry, onBytes, onComment, signal }: ReadEventsOptions,
): Promise<void> {
  let tooLong = false
  const parser = createParser({
    maxBufferSize: maxMessageLength,
    onEvent: (event) => {
      // The parser limits the text that it holds. It never holds an event that arrives in one piece.
      tooLong ||= event.data.length > maxMessageLength
      if (!tooLong) onEvent(event)
    },
    onId: (id) => void (tooLong || onId?.(id)),
    onError: (error) => (tooLong ||= error.type === 'max-buffer-size-exceeded'),
    onRetry,
    onComment,
  })
  // The length of the line that has not ended. The parser discards an unknown line as it arrives, and sets no limit to it.
  let lineLength = 0
  const off = signal && onAbort(signal, () => response.cancel())
  try {
    await response.read((text) => {
      onBytes?.()
      parser.feed(text)
      const end = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r'))
      lineLength = end < 0 ? lineLength + text.length : text.length - end - 1
      if (!tooLong && lineLength <= maxMessageLength) return
      throw new ProtocolError(
        `The server sent an event of more than ${maxMessageLength} characters; allow more with maxMessageLength`,
      )
    })
  } finally {
    off?.()
  }
}
