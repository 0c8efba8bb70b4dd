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

/** Pieces of a line that are shorter than this are joined, at most as many at once. */
const shortPiece = 1_024

/**
 * Reads the events of a `text/event-stream` body as they arrive. Resolves at the end of the body; an event that is cut
 * off there is discarded.
 *
 * @throws {ProtocolError} when an event is longer than `maxMessageLength`, or has more lines than one for each 16
 * characters of it, and more than 1,000,000.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export async function readEvents(
  response: Pick<HttpResponse, 'read' | 'cancel'>,
  { maxMessageLength, onEvent, onId, onRetry, onBytes, onComment, signal }: ReadEventsOptions,
): Promise<void> {
  const maxLines = Math.max(1_000_000, Math.floor(maxMessageLength / 16))
  let tooLong = false
  let hasEvent = false
  // The lines since the last event. The parser limits the text that it holds, but each line costs it far more than its
  // characters.
  let lines = 0
  const parser = createParser({
    maxBufferSize: maxMessageLength,
    onEvent: (event) => {
      hasEvent = true
      // The parser limits the text that it holds. It never holds an event that arrives in one piece.
      tooLong ||= event.data.length > maxMessageLength
      if (!tooLong) onEvent(event)
    },
    onId: (id) => void (tooLong || onId?.(id)),
    onError: (error) => (tooLong ||= error.type === 'max-buffer-size-exceeded'),
    onRetry,
    onComment: () => {
      lines--
      onComment?.()
    },
  })
  // The parser would keep each piece of a line that has not ended.
  let pieces: string[] = []
  // The length of the line that has not ended. The parser discards an unknown line as it arrives, and sets no limit to it.
  let lineLength = 0
  const off = signal && onAbort(signal, () => response.cancel())
  try {
    await response.read((text) => {
      onBytes?.()
      const end = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r'))
      lineLength = end < 0 ? lineLength + text.length : text.length - end - 1
      if (end < 0 && text.length < shortPiece && pieces.length < shortPiece) pieces.push(text)
      else {
        hasEvent = false
        parser.feed(pieces.length === 0 ? text : pieces.join('') + text)
        if (pieces.length > 0) pieces = []
        // A comment between events is followed by an empty line, if at all.
        if (hasEvent || /(?:\n\n|\r\r|\r\n\r\n)$/.test(text)) lines = 0
        else lines += Math.max(count('\n', text), count('\r', text))
      }
      if (tooLong || lineLength > maxMessageLength) {
        throw new ProtocolError(
          `The server sent an event of more than ${maxMessageLength} characters; allow more with maxMessageLength`,
        )
      }
      if (lines > maxLines) {
        throw new ProtocolError(
          `The server sent an event of more than ${maxLines} lines; allow more with maxMessageLength`,
        )
      }
    })
  } finally {
    off?.()
  }
}

/** How often a character occurs in a text. */
function count(character: string, text: string): number {
  let times = 0
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) times++
  return times
}
