import type { ServerResponse } from 'node:http'
import type { Context } from 'koa'
import SSE from 'koa-sse-stream/lib/sse.js'
import type { Quota } from '../limits.ts'
import type { MessageStream } from '../sessions/channel.ts'
import type { Principal } from './door.ts'
import { whenClosed } from './when-closed.ts'

const nothing = () => {}
/** How long a reader has to take the end of its stream before it is cut off. */
const endWithinMs = 5_000
/** So much is written at once, and not only at the end of the tick. */
const maxGatheredBytes = 16 * 1024
const comment = Buffer.from(':\n\n')

/** How a stream is sent. */
export interface StreamOptions {
  /**
   * True for the stream that answers one request: it is sent in chunks, so that its connection can carry the next one. A
   * stream that lasts ends with its connection, and needs no transfer encoding (RFC 9112, section 6.3).
   */
  chunked?: boolean
}

/**
 * One open `text/event-stream` response. What is written in one tick goes to the socket in one piece.
 *
 * Events that are bytes already go through koa-sse-stream as they are, and past Koa, which takes each reader that leaves
 * for an error of the application.
 */
export class EventStream implements MessageStream {
  onReady: () => void = nothing
  onClose: () => void = nothing
  readonly #sse: SSE
  readonly #response: ServerResponse
  readonly #flushLater: (stream: EventStream) => void
  readonly #ended: () => void
  #gathered: Buffer[] | undefined
  #gatheredBytes = 0
  #open = true
  #quiet = false

  /**
   * @param flushLater is to call `flush` at the end of the tick.
   * @param ended called once, when nothing more can be written; the reader may not have taken all of it yet.
   * @param closed called when the response is closed.
   */
  constructor(
    ctx: Context,
    { chunked = false }: StreamOptions,
    flushLater: (stream: EventStream) => void,
    ended: () => void,
    closed: (stream: EventStream) => void,
  ) {
    const response = ctx.res
    this.#response = response
    this.#flushLater = flushLater
    this.#ended = ended
    this.#sse = new SSE(ctx)
    ctx.respond = false
    response.statusCode = 200
    if (!chunked) {
      response.setHeader('Connection', 'close')
      response.removeHeader('Transfer-Encoding')
    }
    this.#sse.on('data', (bytes: Buffer) => this.#gather(bytes))
    this.#sse.once('end', () => {
      this.flush()
      response.end()
    })
    response.on('drain', () => this.onReady())
    // That a reader has left shows on the response: https://github.com/nodejs/node/issues/40775
    whenClosed(ctx, () => {
      if (this.#open) this.#ended()
      this.#open = false
      this.#gathered = undefined
      closed(this)
      this.onClose()
    })
  }

  get ready(): boolean {
    return this.#open && !this.#response.writableNeedDrain
  }

  write(frame: Buffer): void {
    if (!this.#open) return
    this.#quiet = false
    this.#sse.push(frame)
  }

  /** Writes a comment if nothing else was written since the last time, so that nothing on the way takes it for dead. */
  keepAlive(): void {
    if (this.#quiet && this.ready) this.#sse.push(comment)
    this.#quiet = true
  }

  end(reason?: string): void {
    if (!this.#open) return
    this.#open = false
    this.#ended()
    if (reason !== undefined) this.#sse.send(`: ${reason}`)
    this.#sse.push(null)
    // A reader that does not read would keep its stream for ever.
    const cut = setTimeout(() => this.#response.destroy(), endWithinMs).unref()
    this.#response.once('close', () => clearTimeout(cut))
  }

  /** Gives what was gathered to the socket. */
  flush(): void {
    const gathered = this.#gathered
    if (gathered === undefined) return
    this.#gathered = undefined
    const response = this.#response
    // Not corked, Node would wait for the end of a tick once more.
    response.cork()
    response.write(gathered.length === 1 ? gathered[0] : Buffer.concat(gathered, this.#gatheredBytes))
    response.uncork()
  }

  #gather(bytes: Buffer): void {
    if (this.#gathered === undefined) {
      this.#gathered = [bytes]
      this.#gatheredBytes = bytes.length
      this.#flushLater(this)
    } else {
      this.#gathered.push(bytes)
      this.#gatheredBytes += bytes.length
    }
    if (this.#gatheredBytes >= maxGatheredBytes) this.flush()
  }
}

/** The open streams of one mount. One timer keeps all of them alive; there is none while none is open. */
export class EventStreams {
  readonly #streams = new Set<EventStream>()
  readonly #keepAliveMs: number
  readonly #quota: Quota
  #timer: NodeJS.Timeout | undefined
  /** Those that have gathered something in this tick. */
  #written: EventStream[] = []

  /** @param quota counts them, for as long as they can be written to. */
  constructor(keepAliveMs: number, quota: Quota) {
    this.#keepAliveMs = keepAliveMs
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
    const ended = () => this.#quota.release(principal)
    const stream = new EventStream(ctx, options, this.#flushLater, ended, this.#closed)
    this.#streams.add(stream)
    this.#timer ??= setInterval(() => {
      for (const stream of this.#streams) stream.keepAlive()
    }, this.#keepAliveMs).unref()
    return stream
  }

  readonly #flushLater = (stream: EventStream): void => {
    if (this.#written.push(stream) === 1) setImmediate(this.#flush)
  }

  readonly #flush = (): void => {
    const written = this.#written
    this.#written = []
    for (const stream of written) stream.flush()
  }

  readonly #closed = (stream: EventStream): void => {
    this.#streams.delete(stream)
    if (this.#streams.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
