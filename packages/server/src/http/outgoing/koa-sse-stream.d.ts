declare module 'koa-sse-stream/lib/sse.js' {
  import type { Transform } from 'node:stream'
  import type { Context } from 'koa'

  export default class SSE extends Transform {
    /** Sets the headers of the response, and sends a comment. */
    constructor(ctx: Context)
    /** Sends an event; a text that begins with `:` becomes a comment. */
    send(data: string): void
  }
}
