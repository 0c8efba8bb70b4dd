import { type OnLeftOut, parseWith } from './parse-with.ts'
import { envelopeOf } from './fast-envelope.ts'
import { errorCodes, McpError } from './errors.ts'
import {
  JSONRPCErrorResponse,
  type JSONRPCMessage,
  JSONRPCNotification,
  JSONRPCRequest,
  JSONRPCResultResponse,
} from './jsonrpc.ts'

// The fields that are present tell the kind of message, so that the error is about the intended kind.
function schemaOf(value: object) {
  if ('method' in value) return 'id' in value ? JSONRPCRequest : JSONRPCNotification
  const { result, error } = value as { result?: unknown; error?: unknown }
  return result === undefined || (result === null && error != null)
    ? JSONRPCErrorResponse
    : JSONRPCResultResponse
}

/**
 * Checks that a decoded JSON value is a JSON-RPC message. A batch (an array) is not a message: not every revision
 * allows it, so test for it first with `Array.isArray` and pass on its members. Params and results are not checked, and
 * not copied unless something had to be mended: {@link parseParams} and {@link parseResult} check them.
 *
 * `null` for a field that need not be there is taken as absent, and `[]` as an empty object: some languages write them so.
 *
 * @param onLeftOut allows to leave out fields that need not be there, when they are wrong. It is called with them, in words.
 * @throws {McpError} `invalidRequest`, with the first field that is wrong and the reason.
 */
export function parseMessage(value: unknown, onLeftOut?: OnLeftOut): JSONRPCMessage {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const kind = value == null ? String(value) : Array.isArray(value) ? 'an array' : `a ${typeof value}`
    throw new McpError(errorCodes.invalidRequest, `A JSON-RPC message must be an object, got ${kind}`)
  }
  const message = envelopeOf(value as Record<string, unknown>)
  if (message !== undefined) return message
  // The schema finds the reason, or what can be used.
  return parseWith(schemaOf(value), value, errorCodes.invalidRequest, 'Not a JSON-RPC 2.0 message', onLeftOut)
}
