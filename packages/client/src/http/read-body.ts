import { after } from '../async/signals.ts'
import { ProtocolError } from '../errors.ts'
import type { HttpResponse } from './http-client.ts'

/** How long a body is read on, in milliseconds, when what has come of it may be enough. */
const patienceMs = 1_000

/**
 * A text that arrives in pieces. Short pieces are joined as they come: each that was merely appended would take many
 * times the memory of its characters.
 */
class GrowingText {
  length = 0
  #text = ''
  #pieces: string[] = []

  /** Returns the length of the text. */
  add(piece: string): number {
    if (this.#pieces.push(piece) === 1_024) this.#join()
    return (this.length += piece.length)
  }

  toString(): string {
    this.#join()
    return this.#text
  }

  #join(): void {
    this.#text += this.#pieces.join('')
    this.#pieces = []
  }
}

/**
 * Reads the start of a body, as far as it comes within a second. The rest is cancelled. A body that breaks off is read
 * up to there.
 *
 * @param maxLength the length to read, in characters.
 */
export async function readStart(response: HttpResponse, maxLength = 1_000): Promise<string> {
  const text = new GrowingText()
  const stop = after(patienceMs, () => response.cancel())
  await response
    .read((piece) => {
      if (text.add(piece) > maxLength) response.cancel()
    })
    .catch(() => {})
  stop()
  return text.toString().slice(0, maxLength)
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
  const text = new GrowingText()
  let stop = () => {}
  try {
    await response.read((piece) => {
      stop()
      if (text.add(piece) > maxLength) response.cancel()
      else if (!hasLength) stop = after(patienceMs, () => isWhole(text.toString()) && response.cancel())
    })
  } finally {
    stop()
  }
  if (text.length <= maxLength) return text.toString()
  throw new ProtocolError(
    `The server sent a response of more than ${maxLength} characters; allow more with maxMessageLength`,
  )
}
