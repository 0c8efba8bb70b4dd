import { ProtocolError } from '../errors.ts'
import type { HttpResponse } from './http-client.ts'

/** Reads the start of a body, for an error message: at most 1,000 characters. The rest is cancelled. */
export async function readStart(response: HttpResponse): Promise<string> {
  const { text } = await read(response, 1_000).catch(() => ({ text: '' }))
  return text.slice(0, 1_000)
}

/**
 * Reads a whole body as text.
 *
 * @throws {ProtocolError} when it is longer than `maxLength`, in characters.
 */
export async function readAll(response: HttpResponse, maxLength: number): Promise<string> {
  const { text, whole } = await read(response, maxLength)
  if (whole) return text
  throw new ProtocolError(
    `The server sent a response of more than ${maxLength} characters; allow more with maxMessageLength`,
  )
}

async function read(response: HttpResponse, maxLength: number): Promise<{ text: string; whole: boolean }> {
  let text = ''
  await response.read((piece) => {
    text += piece
    if (text.length > maxLength) response.cancel()
  })
  return { text, whole: text.length <= maxLength }
}
