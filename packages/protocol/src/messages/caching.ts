import * as z from 'zod/mini'
import { Result } from '../jsonrpc/jsonrpc.ts'
import { openObject } from '../zod/open-object.ts'

/** The scope of a cached result: `public` for any user, `private` for users with the same access as the first one. */
export const CacheScope = z.literal(['public', 'private'])
export type CacheScope = z.infer<typeof CacheScope>

/**
 * The fields of a result that say how long, and in which scope, it may be cached. Required since 2026-07-28.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/caching
 */
export const CacheableResult = openObject({
  ...Result.shape,
  /** How long the result is fresh after it was received, in milliseconds. Absent or negative means 0. */
  ttlMs: z.optional(z.number()),
  cacheScope: z.optional(CacheScope),
})
export type CacheableResult = z.infer<typeof CacheableResult>
