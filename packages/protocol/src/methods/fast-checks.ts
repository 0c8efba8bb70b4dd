import { maxIdLength } from '../jsonrpc/jsonrpc.ts'
import { loggingLevels } from '../messages/logging.ts'
import { metaKeys, type ModernRequestMeta } from '../messages/meta.ts'
import type { NotificationMethod } from './method-types.ts'

// Checks by hand of the most frequent messages. Each returns true only for values that the schema accepts and leaves
// unchanged. A value it refuses may still be valid: the schema decides.

const updated: NotificationMethod = 'notifications/resources/updated'

type Fields = Record<string, unknown>

/** True only for values that the schema `CallToolRequestParams` accepts and leaves unchanged. */
export function fitsCallTool(params: unknown): params is { arguments?: object } {
  if (!isPlain(params) || typeof params['name'] !== 'string') return false
  const { arguments: args, _meta, inputResponses, requestState } = params
  return (
    (args === undefined || isPlain(args)) &&
    (_meta === undefined || (isPlain(_meta) && mayBeToken(_meta[metaKeys.progressToken]))) &&
    inputResponses === undefined &&
    requestState === undefined
  )
}

/** True only for values that the schema `ModernRequestMeta` accepts and leaves unchanged. */
export function fitsModernMeta(meta: unknown): meta is ModernRequestMeta {
  if (!isPlain(meta) || typeof meta[metaKeys.protocolVersion] !== 'string') return false
  const level = meta[metaKeys.logLevel]
  return (
    mayBeToken(meta[metaKeys.progressToken]) &&
    (level === undefined || loggingLevels.some((known) => known === level)) &&
    mayBeImplementation(meta[metaKeys.clientInfo]) &&
    isClientCapabilities(meta[metaKeys.clientCapabilities])
  )
}

/** True only for params of a change notification that the schema of the method accepts and leaves unchanged. */
export function fitsChange(method: string, params: unknown): boolean {
  const isUpdate = method === updated
  if (!isUpdate && !method.endsWith('/list_changed')) return false
  if (!mayBePlain(params) || !mayBePlain(params?.['_meta'])) return false
  return !isUpdate || typeof params?.['uri'] === 'string'
}

function mayBeImplementation(info: unknown): boolean {
  if (info === undefined) return true
  return (
    isPlain(info) &&
    typeof info['name'] === 'string' &&
    typeof info['version'] === 'string' &&
    mayBeString(info['title']) &&
    mayBeString(info['description']) &&
    mayBeString(info['websiteUrl']) &&
    info['icons'] === undefined
  )
}

function isClientCapabilities(capabilities: unknown): boolean {
  if (!isPlain(capabilities)) return false
  const { roots, sampling, elicitation, experimental, extensions } = capabilities
  return (
    mayBePlain(roots) &&
    mayBeBoolean(roots?.['listChanged']) &&
    mayBePlain(sampling) &&
    mayBeObject(sampling?.['context']) &&
    mayBeObject(sampling?.['tools']) &&
    mayBePlain(elicitation) &&
    mayBeObject(elicitation?.['form']) &&
    mayBeObject(elicitation?.['url']) &&
    experimental === undefined &&
    extensions === undefined
  )
}

/** False for an object with an own `__proto__`: a schema returns a copy without it. */
function isPlain(value: unknown): value is Fields {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !Object.hasOwn(value, '__proto__')
  )
}

function mayBePlain(value: unknown): value is Fields | undefined {
  return value === undefined || isPlain(value)
}

function mayBeObject(value: unknown): boolean {
  return value === undefined || (typeof value === 'object' && value !== null)
}

function mayBeString(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}

function mayBeBoolean(value: unknown): boolean {
  return value === undefined || typeof value === 'boolean'
}

function mayBeToken(value: unknown): boolean {
  if (typeof value === 'string') return value.length <= maxIdLength
  return value === undefined || Number.isSafeInteger(value)
}
