import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { SubscriptionFilter } from '@tidings/protocol'
import { defer, Reader } from './harness.ts'
import { modernBody, modernHeaders } from './modern.ts'

/** Opens a stream of changes. */
export async function listen(
  url: string,
  notifications: SubscriptionFilter,
  { id = 'l', since }: { id?: string | number; since?: string } = {},
): Promise<Reader> {
  const meta = since === undefined ? {} : { 'dev.tidings/since': since }
  const call = { method: 'subscriptions/listen', params: { notifications }, id, meta }
  const headers = { ...modernHeaders(call), 'Content-Type': 'application/json' }
  const request = httpRequest(`${url}/mcp`, { method: 'POST', headers, agent: false })
  request.end(JSON.stringify(modernBody(call)))
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  if (response.statusCode !== 200) {
    let body = ''
    for await (const chunk of response) body += String(chunk)
    throw new Error(`listen was answered ${response.statusCode}: ${body}`)
  }
  return defer(new Reader(response), (reader) => reader.cut())
}
