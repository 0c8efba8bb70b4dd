import { longestTimerMs } from '../../async/deadline.ts'
import type { MessageStream, StreamWriter } from '../../changes/message-stream.ts'
import { bytesOf } from '../../bytes-of.ts'
import type { Limits } from '../../limits.ts'
import type { Principal } from '../../requests/principal.ts'
import { type AnyResponse, cutOff, isHttp2, writeInPieces } from './http2.ts'
import { whenClosed } from './when-closed.ts'

/** Text of this length is written at once, and not only at the end of the tick. */
const maxGatheredLength = 16 * 1024
const comment = ':\n\n'
/** The time a reader has to take the end of its response before its connection is cut. */
const endWithinMs = 5_000

/** The response below an event stream. */
export interface StreamSink {
  /** @returns false when the reader takes no more for now. */
  write(text: string): boolean
  /** Calls back, once, when the reader takes more. Only called after `write` returned false. */
  whenDrained(callback: () => void): void
  end(): void
  /** Calls back, once, when the response is closed. */
  whenClosed(callback: () => void): void
}

/** A response on a socket, below an event stream. */
export class ResponseSink implements StreamSink {
  readonly #response: AnyResponse

  constructor(response: AnyResponse) {
    this.#response = response
  }

  write(text: string): boolean {
    const response = this.#response
    const { headersSent } = response
    // Of a body that middleware in front has set.
    if (!headersSent) response.removeHeader('Content-Length')
    if (isHttp2(response)) return writeInPieces(response, text)
    // Not corked, Node would wait for the end of a tick once more.
    response.cork()
    // Sent joined with text, the headers would be kept in the many pieces they are made of, for as long as it is open.
    if (!headersSent) response.flushHeaders()
    const takesMore = response.write(text)
    response.uncork()
    return takesMore
  }

  whenDrained(callback: () => void): void {
    this.#response.once('drain', callback)
  }

  /** A reader that does not read would keep the response for ever, so it is cut off after a while. */
  end(): void {
    const response = this.#response
    response.end()
    // In steps, so that a stall of this process counts as no more than one of them.
    let steps = 5
    const cut = setInterval(() => {
      if (--steps === 0) cutOff(response)
    }, endWithinMs / steps).unref()
    response.once('close', () => clearInterval(cut))
  }

  whenClosed(callback: () => void): void {
    whenClosed(this.#response, callback)
  }
}

/** The mount side of an event stream. */
interface StreamOwner {
  /** So many bytes more, or less, were written and not taken by the reader. */
  holds(principal: Principal, bytes: number): void
  /** Calls `flush` at the end of the tick. */
  flushLater(stream: EventStream): void
  /** Called once, when nothing more can be written; the reader may not have taken all of it yet. */
  ended(stream: EventStream): void
  /** Called when the response is closed. */
  closed(stream: EventStream): void
}

/**
 * One open `text/event-stream` response. The frames of one tick go to the response in one piece. Many streams do nothing for
 * long: so they hold no buffer, and no closure that can be avoided.
 */
export class EventStream implements MessageStream {
  writer: StreamWriter | undefined
  readonly principal: Principal
  readonly #owner: StreamOwner
  readonly #sink: StreamSink
  #gathered = ''
  #open = true
  /** The bytes written since the reader has taken no more. */
  #untaken = 0
  /** How often `keepAlive` was called since something was written. */
  #silentLooks = 0

  /** @param opening the first frame. */
  constructor(sink: StreamSink, principal: Principal, opening: string, owner: StreamOwner) {
    this.principal = principal
    this.#sink = sink
    this.#owner = owner
    if (opening !== '') this.write(opening)
    sink.whenClosed(() => {
      if (this.#open) owner.ended(this)
      this.#open = false
      this.#gathered = ''
      this.#taken()
      owner.closed(this)
      this.writer?.streamClosed(this)
    })
  }

  get ready(): boolean {
    return this.#open && this.#untaken === 0
  }

  write(frame: string): void {
    if (!this.#open) return
    this.#silentLooks = 0
    this.#gather(frame)
  }

  /**
   * Writes a comment if nothing was written since the call before the last, so that no proxy takes the stream for dead. Called
   * twice in the time that a stream may be silent.
   */
  keepAlive(): void {
    if (++this.#silentLooks < 2 || !this.ready) return
    this.#silentLooks = 0
    this.#gather(comment)
  }

  end(reason?: string): void {
    if (!this.#open) return
    if (reason !== undefined) this.#gather(`: ${reason}\n\n`)
    this.#open = false
    this.#owner.ended(this)
    this.flush()
    this.#sink.end()
  }

  /** Writes the gathered frames. */
  flush(): void {
    const gathered = this.#gathered
    if (gathered === '') return
    this.#gathered = ''
    const wasFull = this.#untaken > 0
    if (this.#sink.write(gathered) && !wasFull) return
    const bytes = bytesOf(gathered)
    this.#untaken += bytes
    this.#owner.holds(this.principal, bytes)
    if (wasFull) return
    this.#sink.whenDrained(() => {
      this.#taken()
      this.writer?.streamReady()
    })
  }

  #taken(): void {
    if (this.#untaken === 0) return
    this.#owner.holds(this.principal, -this.#untaken)
    this.#untaken = 0
  }

  #gather(text: string): void {
    if (this.#gathered === '') this.#owner.flushLater(this)
    this.#gathered += text
    if (this.#gathered.length >= maxGatheredLength) this.flush()
  }
}

/** The open streams of one mount. One timer keeps all of them alive; there is none while none is open. */
export class EventStreams implements StreamOwner {
  readonly #streams = new Set<EventStream>()
  readonly #lookMs: number
  readonly #limits: Limits
  #timer: NodeJS.Timeout | undefined
  /** The streams that have gathered something in this tick. */
  #written: EventStream[] = []

  /**
   * @param keepAliveMs the time that a stream may be silent.
   * @param limits count the streams, for as long as they can be written to, and the bytes that their readers do not take.
   */
  constructor(keepAliveMs: number, limits: Limits) {
    this.#lookMs = Math.min(keepAliveMs / 2, longestTimerMs)
    this.#limits = limits
  }

  get size(): number {
    return this.#streams.size
  }

  /** Opens a stream. */
  open(sink: StreamSink, principal: Principal, opening = ''): EventStream {
    this.#limits.streams.add(principal)
    const stream = new EventStream(sink, principal, opening, this)
    this.#streams.add(stream)
    this.#timer ??= setInterval(() => {
      for (const stream of this.#streams) stream.keepAlive()
    }, this.#lookMs).unref()
    return stream
  }

  holds(principal: Principal, bytes: number): void {
    this.#limits.bytes.change(principal, bytes, 0)
  }

  /** Ends the streams of the principal. */
  end(principal: string, reason: string): void {
    const own = [...this.#streams].filter((stream) => stream.principal === principal)
    for (const stream of own) stream.end(reason)
  }

  flushLater(stream: EventStream): void {
    if (this.#written.push(stream) === 1) setImmediate(this.#flush)
  }

  ended(stream: EventStream): void {
    this.#limits.streams.release(stream.principal)
  }

  closed(stream: EventStream): void {
    this.#streams.delete(stream)
    if (this.#streams.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  readonly #flush = (): void => {
    const written = this.#written
    this.#written = []
    for (const stream of written) stream.flush()
  }
}
