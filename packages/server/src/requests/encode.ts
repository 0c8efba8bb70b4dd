import {
  errorCodes,
  JSONRPC_VERSION,
  type JSONRPCErrorResponse,
  type JSONRPCResponse,
  type JSONRPCResultResponse,
  McpError,
} from '@tidings/protocol'
import type { Logger } from '../logger.ts'

/** A response, or the responses to a batch, as JSON. */
export interface EncodedResponse {
  readonly json: string
  /** The code of the JSON-RPC error, when the response is one. */
  readonly errorCode?: number
}

/**
 * A response as JSON. A handler may return what JSON cannot express (a cycle, a BigInt): such a response becomes an
 * error, so that no request is left without an answer.
 */
export function encodeResponse(response: JSONRPCResponse, logger: Logger): EncodedResponse {
  try {
    return encoded(response)
  } catch (cause) {
    const { id } = response as JSONRPCResultResponse
    logger.error({ err: cause, id }, 'a result cannot be written as JSON')
    const error = new McpError(errorCodes.internalError, 'Internal error').toJSON()
    return encoded({ jsonrpc: JSONRPC_VERSION, id, error })
  }
}

/** The responses to a batch. */
export function joinResponses(responses: readonly EncodedResponse[]): EncodedResponse {
  return { json: `[${responses.map(({ json }) => json).join()}]` }
}

function encoded(response: JSONRPCResultResponse | JSONRPCErrorResponse): EncodedResponse {
  const json = JSON.stringify(response)
  return 'error' in response ? { json, errorCode: response.error.code } : { json }
}
