import * as z from 'zod/mini'
import { Result } from '../jsonrpc/jsonrpc.ts'
import { openObject } from '../zod/open-object.ts'

/** Who may be given a cached result: anyone, or only who may see what the one it was made for may see. */
export const CacheScope = z.literal(['public', 'private'])
export type CacheScope = z.infer<typeof CacheScope>

/**
 * What a result says of how long, and for whom, it may be kept. Since 2026-07-28, which requires both.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/caching
 */
export const CacheableResult = openObject({
  ...Result.shape,
  /** Milliseconds since it was received in which it may be taken for fresh. Absent or negative means 0. */
  ttlMs: z.optional(z.number()),
  cacheScope: z.optional(CacheScope),
})
export type CacheableResult = z.infer<typeof CacheableResult>
