/** One event, as it was sent: also one that has no data. */
export interface WireEvent {
  id?: string
  event?: string
  data?: string
}

/** What an {@link EventParser} tells. */
export interface EventParserListener {
  event(event: WireEvent): void
  comment(comment: string): void
}

/**
 * Parses `text/event-stream` of a server that ends its lines by LF. Unlike the parser of a client it gives events without
 * data, too: what a stream begins with may be one.
 */
export class EventParser {
  readonly #listener: EventParserListener
  readonly #decoder = new TextDecoder()
  #rest = ''
  #event: WireEvent | undefined

  constructor(listener: EventParserListener) {
    this.#listener = listener
  }

  feed(bytes: Buffer): void {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) this.#take(line)
  }

  #take(line: string): void {
    if (line === '') {
      const event = this.#event
      this.#event = undefined
      if (event !== undefined) this.#listener.event(event)
      return
    }
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    const value = line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (name === '') return this.#listener.comment(value)
    if (name === 'retry') return
    if (name !== 'id' && name !== 'event' && name !== 'data') throw new Error(`Not a field: ${line}`)
    this.#event ??= {}
    this.#event[name] = value
  }
}
