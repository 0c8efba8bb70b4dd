import * as z from 'zod/mini'
import { mapOf } from '../zod/collections.ts'
import { ElicitRequestParams } from './elicitation.ts'
import { RequestParams, Result } from '../jsonrpc/jsonrpc.ts'
import { openObject } from '../zod/open-object.ts'
import { CreateMessageRequestParams } from './sampling.ts'
import { taggedUnion } from '../zod/tagged-union.ts'

/** A request to the client, inside a result. Since 2026-07-28, the only way for a server to ask the client. */
export const InputRequest = taggedUnion('method', [
  openObject({ method: z.literal('elicitation/create'), params: ElicitRequestParams }),
  openObject({ method: z.literal('sampling/createMessage'), params: CreateMessageRequestParams }),
  openObject({ method: z.literal('roots/list'), params: z.optional(RequestParams) }),
])
export type InputRequest = z.infer<typeof InputRequest>

/** Requests to the client. The server chooses the keys; the answers have the same keys. */
export const InputRequests = mapOf(InputRequest)
export type InputRequests = z.infer<typeof InputRequests>

/**
 * The result of a request that needs input from the client. The client sends the request again, with another id and the
 * answers in its params (see `InputResponseRequestParams`). Since 2026-07-28.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr
 */
export const InputRequiredResult = openObject({
  ...Result.shape,
  resultType: z.literal('input_required'),
  /** Absent: the client may send the request again at once. */
  inputRequests: z.optional(InputRequests),
  /** Opaque to the client, which sends it back unchanged. */
  requestState: z.optional(z.string()),
}).check(
  z.refine(({ inputRequests, requestState }) => (inputRequests ?? requestState) !== undefined, {
    error: 'expected inputRequests or requestState, received neither',
  }),
)
export type InputRequiredResult = z.infer<typeof InputRequiredResult>

/** The methods that a server may answer with an {@link InputRequiredResult}. */
export const inputRequiredMethods = ['tools/call', 'prompts/get', 'resources/read'] as const
export type InputRequiredMethod = (typeof inputRequiredMethods)[number]

/** True when a server may answer the method with an {@link InputRequiredResult}. */
export function mayRequireInput(method: string): method is InputRequiredMethod {
  return (inputRequiredMethods as readonly string[]).includes(method)
}

/** True for a result that asks for input. The client sends the request again, with the input. */
export function isInputRequired(result: Result): result is InputRequiredResult {
  return result.resultType === 'input_required'
}
