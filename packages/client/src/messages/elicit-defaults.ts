import type { ElicitRequestParams, ElicitResult } from '@tidings/protocol'

/** Sets the fields that an accepted form leaves out to the defaults in the server's schema. */
export function withDefaults(params: ElicitRequestParams, result: ElicitResult): ElicitResult {
  if (result.action !== 'accept' || !('requestedSchema' in params)) return result
  const defaults: NonNullable<ElicitResult['content']> = {}
  for (const [name, schema] of Object.entries(params.requestedSchema.properties)) {
    if ('default' in schema && schema.default !== undefined) defaults[name] = schema.default
  }
  return { ...result, content: { ...defaults, ...result.content } }
}
