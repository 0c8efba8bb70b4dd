declare module 'koa-sse-stream/lib/sse.js' {
  import type { Transform, TransformCallback } from 'node:stream'
  import type { Context } from 'koa'

  export default class SSE extends Transform {
    constructor(ctx: Context)
    override _transform(chunk: unknown, encoding: BufferEncoding, callback: TransformCallback): void
    /** Ends the stream; `end` does not. */
    sendEnd(data: unknown): void
  }
}
