import type { Log } from '@tidings/testkit/log'
import type { HandlerContext, McpServer, ServeOptions } from '../../src/index.ts'
import type { RawClient } from './raw-client.ts'
import { start } from './start.ts'

/** What a handler does with its context. */
export type Talk = (context: HandlerContext) => unknown

/** A server with one tool, which does what the test wants with its context. */
export function startWith(talk: Talk, logger?: Log, options: ServeOptions = {}) {
  const register = (server: McpServer) =>
    server.tool('talk', {}, async (_args, context) => ({
      structuredContent: { result: (await talk(context)) ?? null },
    }))
  return start(register, { ...options, ...(logger && { logger }) })
}

/** Calls the tool. */
export const call = (client: RawClient, _meta?: object) =>
  client.request('tools/call', { name: 'talk', ...(_meta && { _meta }) })

/** Calls the tool, and does not wait for the answer. */
export const sendCall = (client: RawClient, id: string, _meta?: object) =>
  client.send({ id, method: 'tools/call', params: { name: 'talk', ...(_meta && { _meta }) } })

/** The messages of the method that the client was sent. */
export const sent = (client: RawClient, method: string) =>
  client.messages.filter((message) => message.method === method)

/** The first request of the method that the client was sent. */
export async function asked(client: RawClient, method: string): Promise<any> {
  await client.reader.until(() => sent(client, method).length > 0, method)
  return sent(client, method)[0]
}
