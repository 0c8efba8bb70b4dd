import { JSONRPC_VERSION, type NotificationMethod } from '@tidings/protocol'
import type { Topic } from './change-index.ts'

const listMethods = new Map<Topic, NotificationMethod>([
  ['tools', 'notifications/tools/list_changed'],
  ['prompts', 'notifications/prompts/list_changed'],
  ['resources', 'notifications/resources/list_changed'],
])

/** The notification that tells a client of a change. */
export function changeNotification(topic: Topic): {
  jsonrpc: string
  method: string
  params?: { uri: string }
} {
  const method = listMethods.get(topic)
  return method === undefined
    ? { jsonrpc: JSONRPC_VERSION, method: 'notifications/resources/updated', params: { uri: topic } }
    : { jsonrpc: JSONRPC_VERSION, method }
}
