import type { IncomingMessage } from 'node:http'
import { pipeline, type Readable } from 'node:stream'
import { constants, createBrotliDecompress, createGunzip } from 'node:zlib'

/** What {@link decompressed} can undo, to be said in each request. */
export const acceptEncoding = 'gzip, br'

/** The body of a response as it was before it was compressed, piece by piece as it comes. */
export function decompressed(message: IncomingMessage): Readable {
  const decompressor = decompressorOf(message.headers['content-encoding'])
  // What it fails by is an error of the last one, too.
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
