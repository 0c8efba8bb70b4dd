import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'

/** Bounds on the rest of a request: its bytes, the time in all, and the time in which nothing arrives. */
const maxBytes = 16 * 1024 * 1024
const maxMs = 5_000
const idleMs = 1_000

/**
 * Reads the rest of a request, to no effect, and calls back when that is over. Were the connection closed under a client that
 * is still sending, the system would throw away what the client has not read: the response (RFC 9112, section 9.6).
 */
export function discard(request: IncomingMessage | Http2ServerRequest, done: () => void): void {
  const endsAt = performance.now() + maxMs
  let bytes = 0
  const finish = () => {
    clearTimeout(timer)
    request.off('data', count)
    done()
  }
  const timer = setTimeout(finish, idleMs).unref()
  const count = (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes >= maxBytes || performance.now() >= endsAt) finish()
    else timer.refresh()
  }
  // The reader of the start of the request has given up.
  request.removeAllListeners('data')
  request.on('data', count)
  request.once('close', finish)
  request.resume()
}
