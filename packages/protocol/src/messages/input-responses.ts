import * as z from 'zod/mini'
import { mapOf } from '../zod/collections.ts'
import { RequestParams } from '../jsonrpc/jsonrpc.ts'
import { openObject } from '../zod/open-object.ts'

/**
 * The client's answers to `inputRequests`, with the same keys. Each is the result of the request with its key: check it
 * with `parseResult`. Since 2026-07-28.
 */
export const InputResponses = mapOf(mapOf(z.unknown()))
export type InputResponses = z.infer<typeof InputResponses>

/** The additional params of a request that is sent again with the required input. Since 2026-07-28. */
export const InputResponseRequestParams = openObject({
  ...RequestParams.shape,
  inputResponses: z.optional(InputResponses),
  /** The state that the server sent. The server must not trust it: a client may have changed it. */
  requestState: z.optional(z.string()),
})
export type InputResponseRequestParams = z.infer<typeof InputResponseRequestParams>
