import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Context } from 'koa'

// Everything that reaches into private parts of Node and of libraries. node-internals.test.ts fails when one of them moves.

/** The part of Node below a socket. */
interface Handle {
  readonly bytesWritten: number
  readonly writeQueueSize: number
  /** Below TLS. */
  readonly _parent?: Handle
}

/**
 * The number of bytes that the system has taken from the socket. A large write is one to JavaScript, and done when all of it
 * was taken. That some of it was taken shows only on the handle; Node's own `socket.setTimeout` looks there, too.
 */
export function bytesTaken(socket: Socket): number {
  const handle = handleOf(socket)
  if (handle === undefined) return socket.bytesWritten - socket.writableLength
  return handle.bytesWritten - handle.writeQueueSize
}

/** The handle below a socket, below TLS if there is any. Undefined when Node has none of the known shape. */
export function handleOf(socket: Socket): Handle | undefined {
  const { _handle: top } = socket as { _handle?: Handle | null }
  const handle = top?._parent ?? top
  return handle?.writeQueueSize === undefined ? undefined : handle
}

/**
 * A response that on-finished, which Koa uses, does not watch: it finds what it leaves on a response that it watches already.
 * The watching is a fifth of the memory that a stream costs for as long as it is open, and its news, that a client has left, is
 * no error here. Only for responses that nobody else watches.
 */
export class UnwatchedResponse<
  Request extends IncomingMessage = IncomingMessage,
> extends ServerResponse<Request> {}

unwatch(UnwatchedResponse)

/** Makes responses of the class {@link UnwatchedResponse}s. Returns the class. */
export function unwatch<Class extends { prototype: object }>(responseClass: Class): Class {
  // A native function that does nothing takes the listeners.
  Object.assign(responseClass.prototype, { __onFinished: { queue: { push: Function.prototype } } })
  return responseClass
}

/** Calls Koa's own error handler, below the one that was put on the context. */
export function handleKoaError(context: Context, error: Error): void {
  const { onerror } = Object.getPrototypeOf(context) as { onerror: (this: Context, error: Error) => void }
  onerror.call(context, error)
}
