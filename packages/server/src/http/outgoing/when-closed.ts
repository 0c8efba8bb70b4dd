import type { Socket } from 'node:net'
import { type AnyResponse, isHttp2 } from './http2.ts'

/** The callbacks for the close of a connection. One listener serves all requests that a client has sent ahead. */
const waiting = new WeakMap<Socket, Set<() => void>>()

/** True when nothing that is written to the response can arrive any more. */
export function isClosed(response: AnyResponse): boolean {
  if (isHttp2(response)) return response.stream.closed || response.stream.destroyed
  return response.closed || response.req.socket.destroyed
}

/** Calls back, once, when the response is closed: it was taken as a whole, or its connection is lost. */
export function whenClosed(response: AnyResponse, callback: () => void): void {
  if (isClosed(response)) return process.nextTick(callback)
  if (isHttp2(response) || response.socket !== null) {
    // That a reader has left shows on the response: https://github.com/nodejs/node/issues/40775
    // The event comes once in any case: a wrapper of `once` would be kept for as long as the response is open.
    response.on('close', callback)
    return
  }
  // Requests before this one on the same connection are not answered yet. Until they are, Node does not tell the response
  // that the connection is lost.
  const { socket } = response.req
  let closing = waiting.get(socket)
  if (closing === undefined) {
    const callbacks = (closing = new Set<() => void>())
    waiting.set(socket, callbacks)
    socket.once('close', () => {
      for (const callback of callbacks) callback()
    })
  }
  const callbacks = closing
  const once = () => {
    if (callbacks.delete(once)) callback()
  }
  callbacks.add(once)
  response.once('close', once)
}
