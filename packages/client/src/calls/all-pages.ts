import { ProtocolError } from '../errors.ts'
import type { Logger } from '../logger.ts'

/** The number of pages after which the client takes it that a list does not end. */
const maxPages = 1_000

/**
 * Reads the pages of a list, one after the other. An empty cursor is a cursor like any other. When the server gives a
 * cursor a second time, the list ends with a warning.
 *
 * @throws {ProtocolError} when the list has more than 1,000 pages.
 * @see https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/pagination
 */
export async function* allPages<Page extends { nextCursor?: string | null | undefined }>(
  method: string,
  read: (params: { cursor?: string }) => Promise<Page>,
  logger: Logger,
): AsyncGenerator<Page, void, void> {
  const seen = new Set<string>()
  let previous: Page | undefined
  let params: { cursor?: string } = {}
  for (let pages = 0; pages < maxPages; pages++) {
    const page = await read(params)
    const cursor = page.nextCursor ?? undefined
    const isRepeated = cursor !== undefined && seen.has(cursor)
    // A server that takes no notice of the cursor sends the same page again.
    if (!isRepeated || JSON.stringify(page) !== JSON.stringify(previous)) yield page
    if (isRepeated) logger.warn({ method, cursor }, 'the server gave a cursor twice: the list ends there')
    if (isRepeated || cursor === undefined) return
    seen.add(cursor)
    previous = page
    params = { cursor }
  }
  throw new ProtocolError(
    `${method}: the list has more than ${maxPages} pages. Read them one by one: request('${method}', { cursor })`,
  )
}
