import type { IncomingMessage } from 'node:http'
import { errorCodes, McpError, mediaTypes, parseJson } from '@tidings/protocol'
import { Refusal } from '../../refusal.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The JSON body of a request, decoded.
 *
 * @param parsed the body, if a body parser has read it already: its own limit was in force then.
 * @param maxBytes a larger body, and one that announces to be larger, is not read to its end.
 * @throws {Refusal} 413 when the body is too large, 415 when it is not `application/json` in UTF-8.
 * @throws {McpError} `parseError` when it is not JSON.
 */
export function readJson(request: IncomingMessage, parsed: unknown, maxBytes: number): unknown {
  requireJson(request)
  if (parsed !== undefined) return parsed
  if (request.readableDidRead) {
    throw new Error('The body was read before Tidings could: register it before other readers of bodies')
  }
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
  return readAll(request, maxBytes)
}

function requireJson(request: IncomingMessage): void {
  const { 'content-type': type = '', 'content-encoding': encoding } = request.headers
  if (type !== mediaTypes.json && !isJson(type)) {
    const message = `The body must be ${mediaTypes.json} in UTF-8, the Content-Type says ${type || 'nothing'}`
    throw new Refusal(415, message)
  }
  if (encoding) {
    throw new Refusal(415, `The body must not be compressed, the Content-Encoding is ${encoding}`)
  }
}

function isJson(contentType: string): boolean {
  const [type = ''] = contentType.split(';', 1)
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType)?.[1] ?? ''
  return type.trim().toLowerCase() === mediaTypes.json && /^(utf-8)?$/i.test(charset)
}

function tooLarge(maxBytes: number): Refusal {
  // The rest of the body is not read, so nothing more can be read from this connection.
  return new Refusal(413, `The body must not be larger than ${maxBytes} bytes`, { closesConnection: true })
}

function readAll(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    let whole = false
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > maxBytes) {
        request.pause()
        reject(tooLarge(maxBytes))
      } else {
        chunks.push(chunk)
      }
    })
    request.on('end', () => {
      whole = true
      try {
        resolve(parseJson(decode(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))))
      } catch (thrown) {
        reject(McpError.from(thrown))
      }
    })
    const cutOff = () => {
      // An error takes long to make, and every request is closed.
      if (!whole) reject(new Refusal(408, 'The request was cut off'))
    }
    request.on('error', cutOff)
    request.on('close', cutOff)
  })
}

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw new McpError(errorCodes.parseError, 'Not JSON: the body is not valid UTF-8', { cause })
  }
}
