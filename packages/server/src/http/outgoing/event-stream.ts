import type { ServerResponse } from 'node:http'
import type { Context } from 'koa'
import SSE from 'koa-sse-stream/lib/sse.js'
import type { Quota } from '../../limits.ts'
import type { MessageStream, StreamOwner } from '../../sessions/channel.ts'
import { longestTimerMs } from '../../async/deadline.ts'
import type { Principal } from '../transports/transport.ts'
import { endOrCut } from './end-or-cut.ts'
import { whenClosed } from './when-closed.ts'

/** So much text is written at once, and not only at the end of the tick. */
const maxGatheredLength = 16 * 1024
const comment = ':\n\n'

/** How a stream is sent. */
export interface StreamOptions {
  /**
   * True for the stream that answers one request: it is sent in chunks, so that its connection can carry the next one. A
   * stream that lasts ends with its connection, and needs no transfer encoding (RFC 9112, section 6.3).
   */
  chunked?: boolean
}

/** What an event stream has of those it belongs to. */
interface EventStreamHome {
  /** Is to call `flush` at the end of the tick. */
  flushLater(stream: EventStream): void
  /** Called once, when nothing more can be written; the reader may not have taken all of it yet. */
  ended(stream: EventStream): void
  /** Called when the response is closed. */
  closed(stream: EventStream): void
}

/**
 * One open `text/event-stream` response. What is written in one tick goes to the socket in one piece.
 *
 * koa-sse-stream begins it: the headers, the settings of the socket, a first comment. Events are complete when they come
 * here, and go to the response past it, and past Koa, which takes each reader that leaves for an error of the application.
 * Of streams there are many that do nothing for long: so they hold no buffer, and no closure that can be done without.
 */
export class EventStream implements MessageStream {
  owner: StreamOwner | undefined
  readonly principal: Principal
  readonly #home: EventStreamHome
  readonly #response: ServerResponse
  #gathered = ''
  #open = true
  #full = false
  #quiet = false

  constructor(ctx: Context, principal: Principal, { chunked = false }: StreamOptions, home: EventStreamHome) {
    const response = ctx.res
    this.principal = principal
    this.#response = response
    this.#home = home
    const opening = new SSE(ctx)
    ctx.respond = false
    response.statusCode = 200
    if (!chunked) {
      response.setHeader('Connection', 'close')
      response.removeHeader('Transfer-Encoding')
    }
    this.write(String(opening.read()))
    // That a reader has left shows on the response: https://github.com/nodejs/node/issues/40775
    whenClosed(ctx, () => {
      if (this.#open) home.ended(this)
      this.#open = false
      this.#gathered = ''
      home.closed(this)
      this.owner?.streamClosed(this)
    })
  }

  get ready(): boolean {
    return this.#open && !this.#full
  }

  write(frame: string): void {
    if (!this.#open) return
    this.#quiet = false
    this.#gather(frame)
  }

  /** Writes a comment if nothing else was written since the last time, so that nothing on the way takes it for dead. */
  keepAlive(): void {
    if (this.#quiet && this.ready) this.#gather(comment)
    this.#quiet = true
  }

  end(reason?: string): void {
    if (!this.#open) return
    if (reason !== undefined) this.#gather(`: ${reason}\n\n`)
    this.#open = false
    this.#home.ended(this)
    this.flush()
    endOrCut(this.#response)
  }

  /** Gives what was gathered to the socket. */
  flush(): void {
    const gathered = this.#gathered
    if (gathered === '') return
    this.#gathered = ''
    const response = this.#response
    // Not corked, Node would wait for the end of a tick once more.
    response.cork()
    // Sent joined with text, the headers would be kept in the many pieces they are made of, for as long as it is open.
    if (!response.headersSent) {
      // Of a body that was set by what is in front of this.
      response.removeHeader('Content-Length')
      response.flushHeaders()
    }
    const takesMore = response.write(gathered)
    response.uncork()
    if (takesMore || this.#full) return
    this.#full = true
    response.once('drain', () => {
      this.#full = false
      this.owner?.streamReady()
    })
  }

  #gather(text: string): void {
    if (this.#gathered === '') this.#home.flushLater(this)
    this.#gathered += text
    if (this.#gathered.length >= maxGatheredLength) this.flush()
  }
}

/** The open streams of one mount. One timer keeps all of them alive; there is none while none is open. */
export class EventStreams implements EventStreamHome {
  readonly #streams = new Set<EventStream>()
  readonly #keepAliveMs: number
  readonly #quota: Quota
  #timer: NodeJS.Timeout | undefined
  /** Those that have gathered something in this tick. */
  #written: EventStream[] = []

  /** @param quota counts them, for as long as they can be written to. */
  constructor(keepAliveMs: number, quota: Quota) {
    this.#keepAliveMs = Math.min(keepAliveMs, longestTimerMs)
    this.#quota = quota
  }

  get size(): number {
    return this.#streams.size
  }

  /**
   * Opens a stream. Headers must be set before. It is counted, and not refused: what answers a request, or takes the
   * place of another, is let in; of others, who opens them asks the quota first.
   */
  open(ctx: Context, principal: Principal, options: StreamOptions = {}): EventStream {
    this.#quota.add(principal)
    const stream = new EventStream(ctx, principal, options, this)
    this.#streams.add(stream)
    this.#timer ??= setInterval(() => {
      for (const stream of this.#streams) stream.keepAlive()
    }, this.#keepAliveMs).unref()
    return stream
  }

  flushLater(stream: EventStream): void {
    if (this.#written.push(stream) === 1) setImmediate(this.#flush)
  }

  ended(stream: EventStream): void {
    this.#quota.release(stream.principal)
  }

  readonly #flush = (): void => {
    const written = this.#written
    this.#written = []
    for (const stream of written) stream.flush()
  }

  closed(stream: EventStream): void {
    this.#streams.delete(stream)
    if (this.#streams.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
