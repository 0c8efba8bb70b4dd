import * as z from 'zod/mini'
import { listOf } from '../zod/collections.ts'
import { FileUri } from '../zod/number-schemas.ts'
import { Meta, Result } from '../jsonrpc/jsonrpc.ts'
import { openObject } from '../zod/open-object.ts'

/** A folder or file that the server may work on. */
export const Root = openObject({
  /** A `file://` URI. */
  uri: FileUri,
  /** For people. */
  name: z.optional(z.string()),
  /** Since 2025-06-18. */
  _meta: z.optional(Meta),
})
export type Root = z.infer<typeof Root>

/** Result of `roots/list`. */
export const ListRootsResult = openObject({ ...Result.shape, roots: listOf(Root) })
export type ListRootsResult = z.infer<typeof ListRootsResult>
