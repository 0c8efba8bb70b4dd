import { after } from '../async/signals.ts'
import { ProtocolError } from '../errors.ts'
import type { HttpResponse } from './http-client.ts'

/** How long a body is read on, in milliseconds, when what has come of it may be enough. */
const patienceMs = 1_000

/**
 * Reads the start of a body, as far as it comes within a second. The rest is cancelled. A body that breaks off is read
 * up to there.
 *
 * @param maxLength the length to read, in characters.
 */
export async function readStart(response: HttpResponse, maxLength = 1_000): Promise<string> {
  let text = ''
  const stop = after(patienceMs, () => response.cancel())
  await response
    .read((piece) => {
      text += piece
      if (text.length > maxLength) response.cancel()
    })
    .catch(() => {})
  stop()
  return text.slice(0, maxLength)
}

/**
 * Reads a whole body as text. A body of unknown length that is quiet for a second is whole when `isWhole` says so: some
 * servers do not end it.
 *
 * @throws {ProtocolError} when it is longer than `maxLength`, in characters.
 */
export async function readAll(
  response: HttpResponse,
  maxLength: number,
  isWhole: (text: string) => boolean,
): Promise<string> {
  const hasLength = response.header('content-length') !== undefined
  let text = ''
  let stop = () => {}
  try {
    await response.read((piece) => {
      stop()
      text += piece
      if (text.length > maxLength) response.cancel()
      else if (!hasLength) stop = after(patienceMs, () => isWhole(text) && response.cancel())
    })
  } finally {
    stop()
  }
  if (text.length <= maxLength) return text
  throw new ProtocolError(
    `The server sent a response of more than ${maxLength} characters; allow more with maxMessageLength`,
  )
}
