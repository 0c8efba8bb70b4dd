import {
  type JSONRPCErrorResponse,
  type JSONRPCMessage,
  type JSONRPCNotification,
  type JSONRPCRequest,
  type JSONRPCResultResponse,
  JSONRPC_VERSION as jsonrpc,
  maxIdLength,
} from './jsonrpc.ts'

type Fields = Record<string, unknown>

/**
 * Returns the message that a value is. Undefined when the schemas of `jsonrpc.ts` refuse it. The check is written by
 * hand because every message comes through here; the schema of its method checks the params or the result later.
 */
export function envelopeOf(value: Fields): JSONRPCMessage | undefined {
  if (value['jsonrpc'] !== jsonrpc) return undefined
  if ('method' in value) return 'id' in value ? requestOf(value) : notificationOf(value)
  return 'result' in value ? resultOf(value) : errorOf(value)
}

function requestOf({ id, method, params }: Fields): JSONRPCRequest | undefined {
  if (!isId(id) || typeof method !== 'string') return undefined
  if (params === undefined) return { jsonrpc, id, method }
  if (!isObject(params) || !isMeta(params['_meta']) || !mayBeId(params['_meta']?.['progressToken']))
    return undefined
  return { jsonrpc, id, method, params }
}

function notificationOf({ method, params }: Fields): JSONRPCNotification | undefined {
  if (typeof method !== 'string') return undefined
  if (params === undefined) return { jsonrpc, method }
  return isObject(params) && isMeta(params['_meta']) ? { jsonrpc, method, params } : undefined
}

function resultOf({ id, result }: Fields): JSONRPCResultResponse | undefined {
  if (!isId(id) || !isObject(result) || !isMeta(result['_meta'])) return undefined
  const { resultType } = result
  return resultType === undefined || typeof resultType === 'string' ? { jsonrpc, id, result } : undefined
}

function errorOf({ id, error }: Fields): JSONRPCErrorResponse | undefined {
  if (!mayBeId(id) || !isObject(error)) return undefined
  if (!Number.isSafeInteger(error['code']) || typeof error['message'] !== 'string') return undefined
  return { jsonrpc, ...(id !== undefined && { id }), error: error as JSONRPCErrorResponse['error'] }
}

function isId(value: unknown): value is string | number {
  return typeof value === 'string' ? value.length <= maxIdLength : Number.isSafeInteger(value)
}

function mayBeId(value: unknown): value is string | number | undefined {
  return value === undefined || isId(value)
}

function isMeta(value: unknown): value is Fields | undefined {
  return value === undefined || isObject(value)
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
