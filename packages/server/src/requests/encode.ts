import { errorCodes, JSONRPC_VERSION, type JSONRPCResponse, McpError } from '@tidings/protocol'
import type { Logger } from '../logger.ts'

/**
 * Responses as JSON. What a handler returned may not be sayable in JSON (a cycle, a BigInt): such a response becomes an
 * error, so that no request is left without an answer.
 */
export function encodeResponse(answer: JSONRPCResponse | JSONRPCResponse[], logger: Logger): string {
  try {
    return JSON.stringify(answer)
  } catch (cause) {
    if (Array.isArray(answer)) return `[${answer.map((response) => encodeResponse(response, logger)).join()}]`
    logger.error({ err: cause, id: answer.id }, 'a result cannot be written as JSON')
    const error = new McpError(errorCodes.internalError, 'Internal error').toJSON()
    return JSON.stringify({ jsonrpc: JSONRPC_VERSION, id: answer.id, error })
  }
}
