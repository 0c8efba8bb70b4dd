import * as z from 'zod/mini'
import { mapOf } from '../zod/collections.ts'
import { errorCodes } from './errors.ts'
import { withFallback } from '../zod/usable.ts'
import { Integer, refine } from '../zod/number-schemas.ts'

export const JSONRPC_VERSION = '2.0'

/**
 * The number of characters that an id or a progress token may have. The receiver keeps it for as long as the request lasts,
 * and repeats it in each message about the request.
 */
export const maxIdLength = 256

const Name = z
  .string()
  .check(refine(({ length }) => length <= maxIdLength, `at most ${maxIdLength} characters`))

/** The id of a request, unique among the sender's requests in flight. Never null in MCP. */
export const RequestId = z.union([Name, Integer])
export type RequestId = z.infer<typeof RequestId>

/** The token that connects progress notifications with their request. */
export const ProgressToken = z.union([Name, Integer])
export type ProgressToken = z.infer<typeof ProgressToken>

/** `_meta`: metadata of the protocol and of applications, with any keys. */
export const Meta = mapOf(z.unknown())
export type Meta = z.infer<typeof Meta>

/** The fields that the params of every request may have. */
export const RequestParams = z.looseObject({
  _meta: z.optional(z.looseObject({ progressToken: z.optional(ProgressToken) })),
})
export type RequestParams = z.infer<typeof RequestParams>

/** The fields that the params of every notification may have. */
export const NotificationParams = z.looseObject({ _meta: z.optional(Meta) })
export type NotificationParams = z.infer<typeof NotificationParams>

/** The fields that every result may have. */
export const Result = z.looseObject({
  _meta: z.optional(Meta),
  /**
   * The kind of the result: `complete`, `input_required` (see `InputRequiredResult`), or a kind that an extension
   * defines. Absent means `complete`. Required since 2026-07-28.
   */
  resultType: z.optional(z.string()),
})
export type Result = z.infer<typeof Result>

/** A result without data: the request succeeded. */
export const EmptyResult = Result
export type EmptyResult = Result

export const JSONRPCRequest = z.object({
  jsonrpc: z.literal(JSONRPC_VERSION),
  id: RequestId,
  method: z.string(),
  params: z.optional(RequestParams),
})
export type JSONRPCRequest = z.infer<typeof JSONRPCRequest>

export const JSONRPCNotification = z.object({
  jsonrpc: z.literal(JSONRPC_VERSION),
  method: z.string(),
  params: z.optional(NotificationParams),
})
export type JSONRPCNotification = z.infer<typeof JSONRPCNotification>

export const JSONRPCResultResponse = z.object({
  jsonrpc: z.literal(JSONRPC_VERSION),
  id: RequestId,
  result: Result,
})
export type JSONRPCResultResponse = z.infer<typeof JSONRPCResultResponse>

/** The `error` of a response. `errorCodes` has the codes of MCP; a peer may send others. */
export const JSONRPCError = z.looseObject({
  code: withFallback(Integer, errorCodes.internalError),
  message: withFallback(z.string(), ''),
  data: z.optional(z.unknown()),
})
export type JSONRPCError = z.infer<typeof JSONRPCError>

/** An error response. `id` is absent when the id of the request could not be read. */
export const JSONRPCErrorResponse = z.object({
  jsonrpc: z.literal(JSONRPC_VERSION),
  id: z.optional(RequestId),
  error: JSONRPCError,
})
export type JSONRPCErrorResponse = z.infer<typeof JSONRPCErrorResponse>

export type JSONRPCResponse = JSONRPCResultResponse | JSONRPCErrorResponse
export type JSONRPCMessage = JSONRPCRequest | JSONRPCNotification | JSONRPCResponse

/** True for a request: a message that needs a response. */
export function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return 'method' in message && 'id' in message
}

/** True for a notification: a message without a response. */
export function isNotification(message: JSONRPCMessage): message is JSONRPCNotification {
  return 'method' in message && !('id' in message)
}

/** True for a response: a result or an error. */
export function isResponse(message: JSONRPCMessage): message is JSONRPCResponse {
  return !('method' in message)
}
