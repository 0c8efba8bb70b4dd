import * as z from 'zod/mini'
import { RequestParams, Result } from '../jsonrpc/jsonrpc.ts'
import { openObject } from '../zod/open-object.ts'

/** The start of a page. Opaque to the client. */
export const Cursor = z.string()
export type Cursor = z.infer<typeof Cursor>

/** Params of every `list` request to a server. */
export const PaginatedRequestParams = openObject({
  ...RequestParams.shape,
  /** The `nextCursor` of the previous page. Absent for the first page. */
  cursor: z.optional(Cursor),
})
export type PaginatedRequestParams = z.infer<typeof PaginatedRequestParams>

/** The field of every result that is one page of a list. */
export const PaginatedResult = openObject({
  ...Result.shape,
  /** Present when there are more pages. */
  nextCursor: z.optional(Cursor),
})
export type PaginatedResult = z.infer<typeof PaginatedResult>
