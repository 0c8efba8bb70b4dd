import type { CacheHint } from './cache-hints.ts'
import { errorCodes, McpError } from '@tidings/protocol'

/** Options of a list. */
export interface ListOptions {
  /** The number of entries on a page; undefined for all. */
  pageSize: number | undefined
  cacheHint: CacheHint | undefined
}

/**
 * The page of a list that the cursor names, and the cursor of the next one.
 *
 * @param pageSize the number of entries on a page; undefined for all.
 * @throws {McpError} `invalidParams` when the cursor is not one of this server.
 * @see https://modelcontextprotocol.io/specification/2025-11-25/server/utilities/pagination
 */
export function pageOf<T>(
  all: readonly T[],
  cursor: string | undefined,
  pageSize: number | undefined,
): { page: T[]; nextCursor?: string } {
  const start = cursor === undefined ? 0 : decodeCursor(cursor)
  const end = pageSize === undefined ? all.length : start + pageSize
  const page = all.slice(start, end)
  return end < all.length ? { page, nextCursor: encodeCursor(end) } : { page }
}

function encodeCursor(start: number): string {
  return Buffer.from(`from ${start}`).toString('base64url')
}

function decodeCursor(cursor: string): number {
  const match = /^from (\d{1,9})$/.exec(Buffer.from(cursor, 'base64url').toString())
  if (match !== null) return Number(match[1])
  throw new McpError(errorCodes.invalidParams, `Unknown cursor ${JSON.stringify(cursor.slice(0, 100))}`)
}
