import type { Socket } from 'node:net'
import type { Context } from 'koa'

/** What waits for a connection to close. One listener for all, however many requests a client has sent ahead. */
const waiting = new WeakMap<Socket, Set<() => void>>()

/** True when nothing that is written to the response can arrive any more. */
export function isClosed({ req, res }: Context): boolean {
  return res.closed || req.socket.destroyed
}

/** Calls back, once, when the response is closed: it was taken as a whole, or its connection is lost. */
export function whenClosed(ctx: Context, callback: () => void): void {
  const { req, res } = ctx
  if (isClosed(ctx)) return process.nextTick(callback)
  if (res.socket !== null) {
    // Emitted once in any case: a wrapper that sees to it would be kept for as long as the response is open.
    res.on('close', callback)
    return
  }
  // Requests before this one on the same connection are not answered yet. Until they are, Node does not tell the
  // response when the connection is lost.
  const { socket } = req
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
  res.once('close', once)
}
