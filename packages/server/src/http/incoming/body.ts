import type { IncomingMessage } from 'node:http'
import { errorCodes, McpError, mediaTypes, parseJson } from '@tidings/protocol'
import type { Context } from 'koa'

/** A request whose body cannot be taken, and the status that says so. */
export class BodyError extends Error {
  readonly status: 408 | 413 | 415
  constructor(status: BodyError['status'], message: string) {
    super(message)
    this.status = status
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The JSON body of a request, decoded.
 *
 * @param maxBytes a body that is larger, or says that it is, is not read to its end.
 * @throws {BodyError} 413 when it is too large, 415 when it is not `application/json` in UTF-8.
 * @throws {McpError} `parseError` when it is not JSON.
 */
export function readJson(ctx: Context, maxBytes: number): Promise<unknown> {
  requireJson(ctx)
  // A body parser was here before. What it has made of the body is as good; its limit was in force, not ours.
  const { body } = ctx.request as { body?: unknown }
  if (body !== undefined) return Promise.resolve(body)
  if (ctx.req.readableDidRead)
    throw new Error('The body was read before mcp(): put mcp() before what reads bodies')
  if ((ctx.request.length ?? 0) > maxBytes) throw tooLarge(maxBytes)
  return readAll(ctx.req, maxBytes)
}

function requireJson(ctx: Context): void {
  const { 'content-type': type, 'content-encoding': encoding } = ctx.req.headers
  if (type !== mediaTypes.json) {
    const charset = ctx.request.charset.toLowerCase()
    if (
      ctx.request.type.trim().toLowerCase() !== mediaTypes.json ||
      (charset !== '' && charset !== 'utf-8')
    ) {
      throw new BodyError(
        415,
        `The body must be ${mediaTypes.json} in UTF-8, the Content-Type says ${type || 'nothing'}`,
      )
    }
  }
  if (encoding) {
    throw new BodyError(415, `The body must not be compressed, the Content-Encoding is ${encoding}`)
  }
}

function tooLarge(maxBytes: number): BodyError {
  return new BodyError(413, `The body must not be larger than ${maxBytes} bytes`)
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
      if (!whole) reject(new BodyError(408, 'The request was cut off'))
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
