import { JSONRPC_VERSION, type NotificationMethod } from '@tidings/protocol'
import type { Topic } from './change-index.ts'

const listMethods = new Map<Topic, NotificationMethod>([
  ['tools', 'notifications/tools/list_changed'],
  ['prompts', 'notifications/prompts/list_changed'],
  ['resources', 'notifications/resources/list_changed'],
])
const resourceMethod = 'notifications/resources/updated' satisfies NotificationMethod

/**
 * The notification that tells a client of a change, as JSON. Put together by hand: to have an object made and
 * stringified takes several times as long, and it is done for each change.
 *
 * @param meta its `_meta`, as JSON.
 */
export function changeNotification(topic: Topic, meta?: string): string {
  const method = listMethods.get(topic)
  const head = `{"jsonrpc":"${JSONRPC_VERSION}","method":"${method ?? resourceMethod}"`
  const uri = method === undefined ? `"uri":${JSON.stringify(topic)}` : undefined
  if (meta === undefined) return uri === undefined ? `${head}}` : `${head},"params":{${uri}}}`
  return `${head},"params":{${uri === undefined ? '' : `${uri},`}"_meta":${meta}}}`
}
