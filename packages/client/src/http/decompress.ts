import type { IncomingMessage } from 'node:http'
import { pipeline, type Readable } from 'node:stream'
import { constants, createBrotliDecompress, createGunzip } from 'node:zlib'

/** The content codings that {@link decompressed} knows, as an `accept-encoding` header. */
export const acceptEncoding = 'gzip, br'

/** Returns the decompressed body of a response. Each piece is decompressed as it arrives. */
export function decompressed(message: IncomingMessage): Readable {
  const decompressor = decompressorOf(message.headers['content-encoding'])
  // An error is also emitted by the decompressor, so it is not handled here.
  return decompressor ? pipeline(message, decompressor, () => {}) : message
}

function decompressorOf(encoding: string | undefined) {
  const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH } = constants
  const name = encoding?.trim().toLowerCase()
  if (name === 'gzip' || name === 'x-gzip')
    return createGunzip({ flush: Z_SYNC_FLUSH, finishFlush: Z_SYNC_FLUSH })
  if (name === 'br')
    return createBrotliDecompress({ flush: BROTLI_OPERATION_FLUSH, finishFlush: BROTLI_OPERATION_FLUSH })
  return undefined
}
