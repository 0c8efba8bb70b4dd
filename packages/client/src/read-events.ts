import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { ProtocolError } from './errors.ts'
import { EventLines } from './event-lines.ts'
import { onAbort } from './signals.ts'

/** How a stream is read. */
export interface ReadEventsOptions {
  /** The size an event, or anything else that has to be held until it is complete, may have, in characters. */
  maxEventBytes: number
  /** Called with each `retry:` field: how long the server wants a reader to wait before it comes back. */
  onRetry?: (retryMs: number) => void
  /** Called whenever anything arrived, be it only a comment. */
  onBytes?: () => void
  /** Called with each comment. */
  onComment?: () => void
  /** Aborting it ends the events. */
  signal?: AbortSignal
}

/**
 * The events of a `text/event-stream` body, as they arrive. Ends when the body ends; an event that is cut off then is
 * not given. One that is only an id has empty data. Stopping early cancels the body.
 *
 * @throws {ProtocolError} when something is larger than `maxEventBytes`.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  { maxEventBytes, onRetry, onBytes, onComment, signal }: ReadEventsOptions,
): AsyncGenerator<EventSourceMessage, void, void> {
  let events: EventSourceMessage[] = []
  let tooLarge = false
  const parser = createParser({
    maxBufferSize: maxEventBytes,
    onEvent: (event) => {
      // The parser bounds what it holds; an event that arrives in one piece is never held.
      tooLarge ||= event.data.length > maxEventBytes
      events.push(event)
    },
    onError: (error) => (tooLarge ||= error.type === 'max-buffer-size-exceeded'),
    onRetry,
    onComment,
  })
  const decoder = new TextDecoder()
  const lines = new EventLines()
  const reader = body.getReader()
  const off = signal && onAbort(signal, () => void reader.cancel().catch(() => {}))
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      onBytes?.()
      parser.feed(lines.take(decoder.decode(value, { stream: true })))
      const arrived = events
      events = []
      for (const event of arrived) {
        if (event.data.length > maxEventBytes) break
        yield event
      }
      if (tooLarge) {
        throw new ProtocolError(
          `The server sent an event of more than ${maxEventBytes} characters; allow more by maxEventBytes`,
        )
      }
    }
  } finally {
    off?.()
    // Also reached when the body failed: then there is nothing to cancel, and its error is on its way already.
    await reader.cancel().catch(() => {})
  }
}
