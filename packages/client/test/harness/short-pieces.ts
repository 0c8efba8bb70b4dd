import { heapUsed } from '@tidings/testkit/heap-used'
import { FetchResponse } from '../../src/http/fetch-http.ts'

/** A response whose body is `start`, many pieces of two characters, and `end`. */
export function shortPieces(count: number, { start = '', end = '' } = {}) {
  const encoder = new TextEncoder()
  /** What the heap gained by all pieces, in bytes. */
  const gained = { bytes: 0 }
  let given = 0
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (given === 0) {
        gained.bytes = -(await heapUsed())
        if (start !== '') controller.enqueue(encoder.encode(start))
      }
      if (given++ < count) return controller.enqueue(encoder.encode(String(10 + (given % 90))))
      gained.bytes += await heapUsed()
      if (end !== '') controller.enqueue(encoder.encode(end))
      controller.close()
    },
  })
  return { response: new FetchResponse(new Response(body)), gained }
}
