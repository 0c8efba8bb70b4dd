import type { SubscriptionFilter } from '@tidings/protocol'
import type { SseReader } from '@tidings/testkit/sse-reader'
import { modernBody, modernHeaders } from './modern.ts'
import { readAnswer } from './read.ts'

/** Opens a stream of changes. */
export function listen(
  url: string,
  notifications: SubscriptionFilter,
  {
    id = 'l',
    since,
    headers,
  }: { id?: string | number; since?: string; headers?: Record<string, string> } = {},
): Promise<SseReader> {
  const meta = since === undefined ? {} : { 'dev.tidings/since': since }
  const call = {
    method: 'subscriptions/listen',
    params: { notifications },
    id,
    meta,
    ...(headers && { headers }),
  }
  return readAnswer(`${url}/mcp`, modernBody(call), modernHeaders(call))
}
