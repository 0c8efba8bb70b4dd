import * as z from 'zod/mini'
import { RequestParams } from '../jsonrpc/jsonrpc.ts'
import { mapOf, openObject } from '../zod/open-object.ts'

/**
 * What the client answers to `inputRequests`, by their keys. Each is the result of the request of its key: check it
 * with `parseResult`. Since 2026-07-28.
 */
export const InputResponses = mapOf(mapOf(z.unknown()))
export type InputResponses = z.infer<typeof InputResponses>

/** What the params of a request carry when it is made again, with the input that was required. Since 2026-07-28. */
export const InputResponseRequestParams = openObject({
  ...RequestParams.shape,
  inputResponses: z.optional(InputResponses),
  /** As the server gave it. To the server it is input from outside: it may have been tampered with. */
  requestState: z.optional(z.string()),
})
export type InputResponseRequestParams = z.infer<typeof InputResponseRequestParams>
