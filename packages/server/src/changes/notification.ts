import { JSONRPC_VERSION, lists, metaKeys, type NotificationMethod, recovery } from '@tidings/protocol'
import type { Topic, TopicState } from './topic.ts'

const methodOfList: ReadonlyMap<Topic, NotificationMethod> = new Map(
  Object.entries(lists).map(([list, { changed }]) => [list, changed]),
)
const resourceUpdated = 'notifications/resources/updated' satisfies NotificationMethod

/**
 * The notification of a change, as JSON. The text is put together without `JSON.stringify` of an object, which takes
 * several times as long and would run for each change.
 *
 * @param meta its `_meta`, as JSON.
 */
export function changeNotification(topic: Topic, meta?: string): string {
  const method = methodOfList.get(topic)
  const head = `{"jsonrpc":"${JSONRPC_VERSION}","method":"${method ?? resourceUpdated}"`
  const uri = method === undefined ? `"uri":${JSON.stringify(topic)}` : undefined
  if (meta === undefined) return uri === undefined ? `${head}}` : `${head},"params":{${uri}}}`
  return `${head},"params":{${uri === undefined ? '' : `${uri},`}"_meta":${meta}}}`
}

/** A change on the stream of a session, after the part of its `id:` line that differs from session to session. */
export function sessionFrame({ seq, topic }: TopicState): string {
  return `${seq}\nevent: message\ndata: ${changeNotification(topic)}\n\n`
}

/** A change on a listen stream, up to the subscription id, which differs from stream to stream and comes last. */
export function listenFrame({ topic, seq, epoch }: TopicState): string {
  // A topic that may have changed at an unknown time gives no position to come back to.
  const position = seq === 0 ? '' : `"${recovery.position}":${JSON.stringify(formatPosition(epoch, seq))},`
  const whole = changeNotification(topic, `{${position}"${metaKeys.subscriptionId}":0}`)
  return `data: ${whole.slice(0, -'0}}}'.length)}`
}

/** The end of each frame of a listen stream: the id of its request. */
export function listenFrameEnd(subscriptionId: string | number): string {
  return `${JSON.stringify(subscriptionId)}}}}\n\n`
}

/** A position as the recovery extension sends it. */
export function formatPosition(epoch: string, seq: number): string {
  return `${epoch}.${seq}`
}
