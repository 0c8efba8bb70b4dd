import { ProtocolError } from '../errors.ts'

/** The start of a response's body, for an error message: at most 1,000 characters. The rest is not waited for. */
export async function readStart(response: Response): Promise<string> {
  const { text } = await read(response, 1_000).catch(() => ({ text: '' }))
  return text.slice(0, 1_000)
}

/**
 * A response's body, whole.
 *
 * @throws {ProtocolError} when it is longer than `maxBytes`.
 */
export async function readAll(response: Response, maxBytes: number): Promise<string> {
  const { text, whole } = await read(response, maxBytes)
  if (whole) return text
  throw new ProtocolError(
    `The server sent a response of more than ${maxBytes} bytes; allow more by maxEventBytes`,
  )
}

async function read(response: Response, maxBytes: number): Promise<{ text: string; whole: boolean }> {
  if (!response.body) return { text: '', whole: true }
  const decoder = new TextDecoder()
  const parts: string[] = []
  let bytes = 0
  const reader = response.body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return { text: parts.join('') + decoder.decode(), whole: true }
    parts.push(decoder.decode(value, { stream: true }))
    bytes += value.length
    if (bytes > maxBytes) {
      await reader.cancel()
      return { text: parts.join(''), whole: false }
    }
  }
}
