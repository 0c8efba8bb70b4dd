import * as z from 'zod/mini'
import { Integer } from '../zod/number-schemas.ts'
import { mapOf } from '../zod/open-object.ts'

export const JSONRPC_VERSION = '2.0'

/** Identifies a request among those its sender has in flight. Never null in MCP. */
export const RequestId = z.union([z.string(), Integer])
export type RequestId = z.infer<typeof RequestId>

/** Ties progress notifications to the request that asked for them. */
export const ProgressToken = z.union([z.string(), Integer])
export type ProgressToken = z.infer<typeof ProgressToken>

/** `_meta`: room for protocol and application metadata, open to any key. */
export const Meta = mapOf(z.unknown())
export type Meta = z.infer<typeof Meta>

/** What every request's params may carry. */
export const RequestParams = z.looseObject({
  _meta: z.optional(z.looseObject({ progressToken: z.optional(ProgressToken) })),
})
export type RequestParams = z.infer<typeof RequestParams>

/** What every notification's params may carry. */
export const NotificationParams = z.looseObject({ _meta: z.optional(Meta) })
export type NotificationParams = z.infer<typeof NotificationParams>

/** What every result may carry. */
export const Result = z.looseObject({
  _meta: z.optional(Meta),
  /**
   * What kind of result it is: `complete`, which its absence also means, `input_required` (see `InputRequiredResult`),
   * or one that an extension defines. Since 2026-07-28, where it is required.
   */
  resultType: z.optional(z.string()),
})
export type Result = z.infer<typeof Result>

/** A result that says only that it worked. */
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

/** The `error` of a response. Codes are in `errorCodes`; a peer may send others. */
export const JSONRPCError = z.looseObject({
  code: Integer,
  message: z.string(),
  data: z.optional(z.unknown()),
})
export type JSONRPCError = z.infer<typeof JSONRPCError>

/** An error response. Its `id` is absent when the request could not be read far enough to know it. */
export const JSONRPCErrorResponse = z.object({
  jsonrpc: z.literal(JSONRPC_VERSION),
  id: z.optional(RequestId),
  error: JSONRPCError,
})
export type JSONRPCErrorResponse = z.infer<typeof JSONRPCErrorResponse>

export type JSONRPCResponse = JSONRPCResultResponse | JSONRPCErrorResponse
export type JSONRPCMessage = JSONRPCRequest | JSONRPCNotification | JSONRPCResponse

/** True for a message that wants an answer. */
export function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return 'method' in message && 'id' in message
}

/** True for a message that wants none. */
export function isNotification(message: JSONRPCMessage): message is JSONRPCNotification {
  return 'method' in message && !('id' in message)
}

/** True for the answer to a request, be it a result or an error. */
export function isResponse(message: JSONRPCMessage): message is JSONRPCResponse {
  return !('method' in message)
}
