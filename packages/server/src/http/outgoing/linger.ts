import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import type { Context } from 'koa'

/** How much more of a request is read, and how long, in all and without anything arriving. */
const lingerBytes = 16 * 1024 * 1024
const lingerMs = 5_000
const idleMs = 1_000

/**
 * Has the connection closed after the response, which is sent at once. A client that is still sending its request may
 * go on for a while, to no effect: were the connection closed under it, the system would throw away what it has not
 * read, the response (RFC 9112, section 9.6).
 */
export function closeAfterResponse(ctx: Context): void {
  ctx.set('Connection', 'close')
  if (ctx.req.complete) return
  const response = JSON.stringify(ctx.body)
  const body = new PassThrough()
  body.write(response)
  ctx.body = body
  ctx.type = 'json'
  ctx.length = Buffer.byteLength(response)
  discard(ctx.req, () => body.end())
}

/** Reads what is left of a request, and drops it. */
function discard(request: IncomingMessage, done: () => void): void {
  const endsAt = performance.now() + lingerMs
  let bytes = 0
  const finish = () => {
    clearTimeout(timer)
    request.off('data', count)
    done()
  }
  const timer = setTimeout(finish, idleMs).unref()
  const count = (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes >= lingerBytes || performance.now() >= endsAt) finish()
    else timer.refresh()
  }
  // Who has read the start of it has given up.
  request.removeAllListeners('data')
  request.on('data', count)
  request.once('close', finish)
  request.resume()
}
