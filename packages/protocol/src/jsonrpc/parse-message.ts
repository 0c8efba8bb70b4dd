import { checked } from './parse-with.ts'
import { envelopeOf } from './fast-envelope.ts'
import { errorCodes, McpError } from './errors.ts'
import {
  JSONRPCErrorResponse,
  type JSONRPCMessage,
  JSONRPCNotification,
  JSONRPCRequest,
  JSONRPCResultResponse,
} from './jsonrpc.ts'

// The shape is told by the fields that are present: what is refused is refused for what it was meant to be.
function schemaOf(value: object) {
  if ('method' in value) return 'id' in value ? JSONRPCRequest : JSONRPCNotification
  return 'result' in value ? JSONRPCResultResponse : JSONRPCErrorResponse
}

/**
 * A decoded JSON value as a JSON-RPC message. A batch (an array) is not a message: whether it is served depends on
 * the revision, so tell it apart first with `Array.isArray` and pass on its members. Params and results are those of the
 * value, not copies, and nothing is known of them yet: {@link parseParams} and {@link parseResult} check them.
 *
 * @throws {McpError} `invalidRequest` that says what is wrong with the value.
 */
export function parseMessage(value: unknown): JSONRPCMessage {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const kind = value == null ? String(value) : Array.isArray(value) ? 'an array' : `a ${typeof value}`
    throw new McpError(errorCodes.invalidRequest, `A JSON-RPC message must be an object, got ${kind}`)
  }
  const message = envelopeOf(value as Record<string, unknown>)
  if (message !== undefined) return message
  // Only a schema can say what is wrong.
  return checked(schemaOf(value), value, errorCodes.invalidRequest, 'Not a JSON-RPC 2.0 message')
}

/**
 * JSON text as a decoded value, to be given to {@link parseMessage}.
 *
 * @throws {McpError} `parseError` when the text is not JSON.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new McpError(errorCodes.parseError, `Not JSON: ${(cause as Error).message}`, { cause })
  }
}
