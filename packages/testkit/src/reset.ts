import type { Socket } from 'node:net'

/** Ends a connection at once, by an RST where that can be: one that has begun to close cannot be reset any more. */
export function reset(socket: Socket): void {
  // Node 20 would leave the handle of such a socket open for ever: uv_tcp_close_reset() refuses, and nobody closes it.
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
