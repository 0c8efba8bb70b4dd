import { OutgoingMessage } from 'node:http'
import { Duplex, Writable } from 'node:stream'

// Jest fails a test for an unhandled rejection or an uncaught exception by itself. Here the same is made of a write after
// the end of a stream: what is written is lost, and Node tells it to an 'error' listener, if at all.

const guarded = Symbol.for('tidings.no-write-after-end')

function guard(prototype, method, writes) {
  const original = prototype[method]
  prototype[method] = function (...args) {
    if (this.writableEnded && writes(args[0])) {
      const error = new Error(`${this.constructor.name}.${method}() after the end of the stream`)
      // Thrown where no one can catch it.
      process.nextTick(() => {
        throw error
      })
    }
    return original.apply(this, args)
  }
}

// These are not of the test's own realm: they outlive it.
for (const { prototype } of [Writable, Duplex, OutgoingMessage]) {
  if (Object.hasOwn(prototype, guarded)) continue
  Object.defineProperty(prototype, guarded, { value: true })
  guard(prototype, 'write', () => true)
  guard(prototype, 'end', (chunk) => chunk !== undefined && chunk !== null && typeof chunk !== 'function')
}
