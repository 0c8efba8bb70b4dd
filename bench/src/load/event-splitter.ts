const lineFeed = 10

/** Takes the bytes of one event, without the blank line. They are only lent. */
export type OnEvent = (bytes: Buffer, start: number, end: number) => void

/** Finds the events in the bytes of a `text/event-stream`, whose lines must end with a line feed alone. */
export class EventSplitter {
  onEvent: OnEvent
  #partial: Buffer | undefined

  constructor(onEvent: OnEvent) {
    this.onEvent = onEvent
  }

  feed(bytes: Buffer, start: number, end: number): void {
    if (this.#partial !== undefined) {
      const joined = Buffer.concat([this.#partial, bytes.subarray(start, end)])
      this.#partial = undefined
      return this.feed(joined, 0, joined.length)
    }
    let from = start
    for (let at = start + 1; at < end; at++) {
      if (bytes[at] !== lineFeed || bytes[at - 1] !== lineFeed) continue
      this.onEvent(bytes, from, at - 1)
      from = at + 1
      at++
    }
    if (from < end) this.#partial = Buffer.from(bytes.subarray(from, end))
  }
}
