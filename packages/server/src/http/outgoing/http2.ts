import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'

// Everything in which a response over HTTP/2 differs from one over HTTP/1.1, for the code that writes both. `node:http2` is
// imported for its types only: a process that does not serve HTTP/2 does not load it.

/** A response of `node:http`, or of the compatibility API of `node:http2`. */
export type AnyResponse = ServerResponse | Http2ServerResponse

/** INTERNAL_ERROR of RFC 9113, section 7: clients take no other code of a server for a failure, wherever they are. */
const internalError = 2

/** Longer text is written in pieces of this length. */
const pieceBytes = 64 * 1024

export function isHttp2(response: AnyResponse): response is Http2ServerResponse {
  return response.req.httpVersionMajor === 2
}

/** Cuts the response off, so that its client sees a failure: over HTTP/2 its stream, else its connection. */
export function cutOff(response: AnyResponse): void {
  if (isHttp2(response)) response.stream.close(internalError)
  else response.destroy()
}

/**
 * Writes text, a large one in pieces: the stream of a response tells of a write only when all of it was taken, and the write
 * deadline looks for some progress.
 *
 * @returns false when the reader takes no more for now.
 */
export function writeInPieces(response: Http2ServerResponse, text: string): boolean {
  if (text.length <= pieceBytes) return response.write(text)
  const bytes = Buffer.from(text)
  // Without it a stream writes its pieces one by one.
  Object.assign(response.stream, { _writev: undefined })
  let takesMore = true
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    takesMore = response.write(bytes.subarray(start, start + pieceBytes))
  }
  return takesMore
}

/** Ends the response with its whole text. */
export function endWith(response: Http2ServerResponse, text: string): void {
  // Node would write a body after the end that the head of a response to HEAD is.
  if (response.req.method !== 'HEAD') writeInPieces(response, text)
  response.end()
}
