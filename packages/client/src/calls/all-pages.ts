import { ProtocolError } from '../errors.ts'

/**
 * Reads the pages of a list, one after the other.
 *
 * @throws {ProtocolError} when the server gives a cursor twice.
 */
export async function* allPages<Page extends { nextCursor?: string | undefined }>(
  method: string,
  read: (params: { cursor?: string }) => Promise<Page>,
): AsyncGenerator<Page, void, void> {
  const seen = new Set<string>()
  let cursor: string | undefined
  do {
    const page = await read({ ...(cursor && { cursor }) })
    yield page
    cursor = page.nextCursor
    if (cursor !== undefined && seen.has(cursor)) {
      throw new ProtocolError(`${method}: the pages do not end: the server gave the cursor ${cursor} twice`)
    }
    if (cursor !== undefined) seen.add(cursor)
  } while (cursor !== undefined)
}
