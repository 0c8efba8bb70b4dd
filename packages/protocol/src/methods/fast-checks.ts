import { loggingLevels } from '../messages/logging.ts'
import { metaKeys, type ModernRequestMeta } from '../messages/meta.ts'

// Checks by hand for what comes with nearly every request: each says yes to what its schema takes as it is, and no to
// anything else, which may still be valid. Only the schema knows.

type Fields = Record<string, unknown>

/** True only of what the schema `CallToolRequestParams` takes, and leaves as it is. */
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

/** True only of what the schema `ModernRequestMeta` takes, and leaves as it is. */
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

/** Of an own `__proto__` a schema makes a copy without it. */
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
  return value === undefined || typeof value === 'string' || Number.isSafeInteger(value)
}
