import * as z from 'zod/mini'
import { listOf, mapOf } from '../zod/collections.ts'
import { Integer } from '../zod/number-schemas.ts'
import { RequestParams, Result } from '../jsonrpc/jsonrpc.ts'
import { BaseMetadata } from './lifecycle.ts'
import { openObject } from '../zod/open-object.ts'
import { taggedUnion } from '../zod/tagged-union.ts'

/** The prompt whose argument is completed. */
export const PromptReference = openObject({ ...BaseMetadata.shape, type: z.literal('ref/prompt') })
export type PromptReference = z.infer<typeof PromptReference>

/** The resource template whose variable is completed. Called `ResourceReference` up to 2025-03-26. */
export const ResourceTemplateReference = openObject({
  type: z.literal('ref/resource'),
  /** A URI or a URI template. */
  uri: z.string(),
})
export type ResourceTemplateReference = z.infer<typeof ResourceTemplateReference>

/** Params of `completion/complete`. */
export const CompleteRequestParams = openObject({
  ...RequestParams.shape,
  ref: taggedUnion('type', [PromptReference, ResourceTemplateReference]),
  argument: openObject({
    name: z.string(),
    /** The text typed so far. */
    value: z.string(),
  }),
  /** Since 2025-06-18. */
  context: z.optional(
    openObject({
      /** The values of the other arguments or variables that are known. */
      arguments: z.optional(mapOf(z.string())),
    }),
  ),
})
export type CompleteRequestParams = z.infer<typeof CompleteRequestParams>

/** Result of `completion/complete`. */
export const CompleteResult = openObject({
  ...Result.shape,
  completion: openObject({
    /** At most 100 values. */
    values: listOf(z.string()).check(
      z.refine(({ length }) => length <= 100, { error: 'expected at most 100 values' }),
    ),
    /** The total number of values, if known. */
    total: z.optional(Integer),
    /** Whether there are more values than these. */
    hasMore: z.optional(z.boolean()),
  }),
})
export type CompleteResult = z.infer<typeof CompleteResult>
