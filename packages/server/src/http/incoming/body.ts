import type { IncomingMessage } from 'node:http'
import {
  errorCodes,
  type JsonBounds,
  McpError,
  mediaTypes,
  parseJson,
  requireWithin,
} from '@tidings/protocol'
import { type ByteQuota, Holding } from '../../byte-quota.ts'
import { Refusal } from '../../refusal.ts'
import type { Principal } from '../../requests/principal.ts'

const noBytes = Buffer.alloc(0)
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** How much a request body may hold. */
export interface BodyLimits {
  readonly maxBodyBytes: number
  readonly bodyBounds: JsonBounds
  /** Counts what is held of bodies that are not whole yet. */
  readonly bytes: ByteQuota
}

/**
 * The JSON body of a request, decoded.
 *
 * @param parsed the body, if a body parser has read it already: its own limit of bytes was in force then.
 * @param limits a body that is larger than `maxBodyBytes`, and one that announces to be larger, is not read to its end.
 * @throws {Refusal} 413 when the body is too large, 415 when it is not `application/json` in UTF-8.
 * @throws {LimitError} when there is no room for it.
 * @throws {McpError} `parseError` when it is not JSON, `invalidRequest` when it is past its bounds.
 */
export function readJson(
  request: IncomingMessage,
  parsed: unknown,
  principal: Principal,
  limits: BodyLimits,
): unknown {
  requireJson(request)
  if (parsed !== undefined) {
    requireWithin(parsed, limits.bodyBounds)
    return parsed
  }
  if (request.readableDidRead) {
    throw new Error('The body was read before Tidings could: register it before other readers of bodies')
  }
  const announced = Number(request.headers['content-length'] ?? limits.maxBodyBytes)
  if (announced > limits.maxBodyBytes) throw tooLarge(limits.maxBodyBytes)
  return readAll(request, announced, new Holding(limits.bytes, principal), limits)
}

function requireJson(request: IncomingMessage): void {
  const { 'content-type': type = '', 'content-encoding': encoding } = request.headers
  if (type !== mediaTypes.json && !isJson(type)) {
    const message = `The body must be ${mediaTypes.json} in UTF-8, the Content-Type says ${type.slice(0, 100) || 'nothing'}`
    throw new Refusal(415, message)
  }
  if (encoding) {
    throw new Refusal(
      415,
      `The body must not be compressed, the Content-Encoding is ${encoding.slice(0, 100)}`,
    )
  }
}

function isJson(contentType: string): boolean {
  const [type = ''] = contentType.split(';', 1)
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType)?.[1] ?? ''
  return type.trim().toLowerCase() === mediaTypes.json && /^(utf-?8)?$/i.test(charset)
}

function tooLarge(maxBytes: number): Refusal {
  return new Refusal(413, `The body must not be larger than ${maxBytes} bytes`, { closesConnection: true })
}

/**
 * @param mostBytes the bytes that are expected, or the most that are taken.
 * @param held counts what is held until the body is decoded.
 */
function readAll(
  request: IncomingMessage,
  mostBytes: number,
  held: Holding,
  { maxBodyBytes, bodyBounds }: BodyLimits,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    // Chunks are merged as they come: kept, each would hold far more than its bytes. A first chunk is not copied unless
    // another follows.
    let body: Buffer = noBytes
    let bytes = 0
    let whole = false
    const add = (chunk: Buffer) => {
      const total = bytes + chunk.length
      if (total > maxBodyBytes) throw tooLarge(maxBodyBytes)
      const size = bytes === 0 ? total : Math.min(2 * total, mostBytes)
      if (total > body.length) held.take(size - body.length)
      if (bytes === 0) body = chunk
      else {
        if (total > body.length) body = grown(body, bytes, size)
        chunk.copy(body, bytes)
      }
      bytes = total
    }
    request.on('data', (chunk: Buffer) => {
      try {
        add(chunk)
      } catch (thrown) {
        // The rest of the body is not read, so nothing more can be read from this connection.
        reject(Refusal.from(thrown, true)!)
        body = noBytes
        held.release()
        request.pause()
      }
    })
    request.on('end', () => {
      whole = true
      try {
        resolve(parseJson(decode(body.subarray(0, bytes)), bodyBounds))
      } catch (thrown) {
        reject(McpError.from(thrown))
      }
      held.release()
    })
    const cutOff = () => {
      held.release()
      // An error takes long to make, and every request is closed.
      if (!whole) reject(new Refusal(408, 'The request was cut off'))
    }
    request.on('error', cutOff)
    request.on('close', cutOff)
  })
}

function grown(body: Buffer, bytes: number, size: number): Buffer {
  const larger = Buffer.allocUnsafe(size)
  body.copy(larger, 0, 0, bytes)
  return larger
}

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw new McpError(errorCodes.parseError, 'Not JSON: the body is not valid UTF-8', { cause })
  }
}
