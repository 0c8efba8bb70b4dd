import type { TransformCallback } from 'node:stream'
import type { Context } from 'koa'
import SSE from 'koa-sse-stream/lib/sse.js'
import type { MessageStream } from '../sessions/channel.ts'

/** koa-sse-stream, but for events that are bytes already: they pass through as they are. */
class FrameStream extends SSE {
  override _transform(chunk: unknown, encoding: BufferEncoding, callback: TransformCallback): void {
    if (Buffer.isBuffer(chunk)) callback(null, chunk)
    else super._transform(chunk, encoding, callback)
  }
}

const nothing = () => {}
/** How long a reader has to take the end of its stream before it is cut off. */
const endWithinMs = 5_000
const comment = Buffer.from(':\n\n')
// Without something to write, koa-sse-stream would write an event of its own.
const nothingMore = Buffer.alloc(0)

/** One open `text/event-stream` response. Headers must be set before it is made: it begins to write at once. */
export class EventStream implements MessageStream {
  onReady: () => void = nothing
  onClose: () => void = nothing
  readonly #sse: FrameStream
  readonly #ctx: Context
  #open = true
  #quiet = false

  constructor(ctx: Context) {
    this.#ctx = ctx
    this.#sse = new FrameStream(ctx)
    // Koa takes each reader that leaves for an error of the application, so the stream is piped past it.
    ctx.respond = false
    ctx.res.statusCode = 200
    // That a reader has left shows on the response: https://github.com/nodejs/node/issues/40775
    ctx.res.once('close', () => this.#sse.destroy())
    this.#sse.on('drain', () => this.onReady())
    this.#sse.once('close', () => {
      this.#open = false
      this.onClose()
    })
    this.#sse.pipe(ctx.res)
  }

  get ready(): boolean {
    return this.#open && !this.#sse.writableNeedDrain
  }

  write(frame: Buffer): void {
    if (!this.#open) return
    this.#quiet = false
    this.#sse.write(frame)
  }

  /** Writes a comment if nothing else was written since the last time, so that nothing on the way takes it for dead. */
  keepAlive(): void {
    if (this.#quiet && this.ready) this.#sse.write(comment)
    this.#quiet = true
  }

  end(reason?: string): void {
    if (!this.#open) return
    this.#open = false
    this.#sse.sendEnd(reason === undefined ? nothingMore : Buffer.from(`: ${reason}\n\n`))
    // A reader that does not read would keep its stream for ever.
    const cut = setTimeout(() => this.#ctx.res.destroy(), endWithinMs).unref()
    this.#ctx.res.once('close', () => clearTimeout(cut))
  }
}

/** The open streams of one mount. One timer keeps all of them alive; there is none while none is open. */
export class EventStreams {
  readonly #streams = new Set<EventStream>()
  readonly #keepAliveMs: number
  #timer: NodeJS.Timeout | undefined

  constructor(keepAliveMs: number) {
    this.#keepAliveMs = keepAliveMs
  }

  get size(): number {
    return this.#streams.size
  }

  open(ctx: Context): EventStream {
    const stream = new EventStream(ctx)
    this.#streams.add(stream)
    this.#timer ??= setInterval(() => {
      for (const stream of this.#streams) stream.keepAlive()
    }, this.#keepAliveMs).unref()
    ctx.res.once('close', () => {
      this.#streams.delete(stream)
      if (this.#streams.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    })
    return stream
  }
}
