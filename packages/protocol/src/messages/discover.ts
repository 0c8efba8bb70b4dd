import * as z from 'zod/mini'
import { listOf } from '../zod/collections.ts'
import { CacheableResult } from './caching.ts'
import { ServerCapabilities } from './lifecycle.ts'
import { ResultMetaObject } from './meta.ts'
import { openObject } from '../zod/open-object.ts'

/**
 * Result of `server/discover`. Since 2026-07-28.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/server/discover
 */
export const DiscoverResult = openObject({
  ...CacheableResult.shape,
  _meta: z.optional(ResultMetaObject),
  /** The revisions of the server. Strings, because this package may not know some of them. */
  supportedVersions: listOf(z.string()),
  capabilities: ServerCapabilities,
  /** Instructions for the language model, for example for its system prompt. */
  instructions: z.optional(z.string()),
})
export type DiscoverResult = z.infer<typeof DiscoverResult>
