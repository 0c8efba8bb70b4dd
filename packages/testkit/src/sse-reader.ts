import type { IncomingMessage } from 'node:http'
import { type SseEvent, SseStream } from './sse-stream.ts'

/** The time to wait for an event, in milliseconds. */
const deadlineMs = 10_000

/** An event stream whose events are kept, and can be waited for. */
export class SseReader extends SseStream {
  readonly events: SseEvent[]
  readonly comments: string[]
  retryMs: number | undefined
  #taken = 0
  #wake: () => void = () => {}

  constructor(response: IncomingMessage) {
    const events: SseEvent[] = []
    const comments: string[] = []
    super(response, {
      event: (event) => events.push(event),
      comment: (text) => comments.push(text),
      retry: (ms) => (this.retryMs = ms),
    })
    this.events = events
    this.comments = comments
    for (const happening of ['data', 'close']) response.on(happening, () => this.#wake())
  }

  /** The id of the last event that had one; empty when there was none. */
  get lastEventId(): string {
    return this.events.findLast(({ id }) => id !== undefined)?.id ?? ''
  }

  /** Resolves when the condition holds, which is looked at whenever something arrives. */
  async until(condition: () => boolean, what = 'condition'): Promise<void> {
    const deadline = Date.now() + deadlineMs
    while (!condition()) {
      if (this.closed) throw new Error(`The stream closed while waiting for ${what}`)
      if (Date.now() > deadline)
        throw new Error(`Timed out waiting for ${what}; got ${JSON.stringify(this.events)}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_000)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  /** The next event that has not been taken yet. */
  async next(): Promise<SseEvent> {
    await this.until(() => this.events.length > this.#taken, 'the next event')
    return this.events[this.#taken++]!
  }

  /** The next message, parsed. */
  async message(): Promise<any> {
    return JSON.parse((await this.next()).data)
  }

  /** Resolves when the stream is closed, however it has ended. */
  async untilClosed(): Promise<void> {
    if (!this.closed) await new Promise((resolve) => this.response.once('close', resolve))
  }
}
