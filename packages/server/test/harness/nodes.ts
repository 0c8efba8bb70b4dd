import { post } from '@tidings/testkit/post'
import {
  type BackplaneNode,
  type HandlerContext,
  type McpServer,
  MemoryBackplane,
  type ServeOptions,
} from '../../src/index.ts'
import { start } from './start.ts'

export const accept = 'application/json, text/event-stream'
export const initialize = {
  jsonrpc: '2.0',
  id: 'init',
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '0' } },
}
export const subscribe = {
  jsonrpc: '2.0',
  id: 's',
  method: 'resources/subscribe',
  params: { uri: 'test://a' },
}
export const ping = { jsonrpc: '2.0', id: 'p', method: 'ping' }

/** Two nodes of one backplane. */
export async function startNodes(
  talk: (context: HandlerContext) => unknown = () => undefined,
  options: ServeOptions = {},
) {
  const members: BackplaneNode[] = []
  const backplane = new MemoryBackplane()
  const join = backplane.join.bind(backplane)
  backplane.join = (member) => {
    members.push(member)
    return join(member)
  }
  const startNode = () =>
    start(
      (server: McpServer) => {
        server.resource('test://a', {}, () => 'a')
        server.tool('talk', {}, async (_args, context) => ({
          structuredContent: { result: (await talk(context)) ?? null },
        }))
      },
      { retryMs: 10, ...options },
      { backplane },
    )
  const a = await startNode()
  const b = await startNode()
  /** The first node dies, as far as the other can tell. */
  const die = () => backplane.leave(members[0]!.node)
  return { a, b, backplane, die, members, startNode }
}

/** The URL of a node, for a client that was told one of another. */
export const at = (url: string, of: string) => new URL(new URL(of).pathname + new URL(of).search, url).href

/** Opens a session over Streamable HTTP. Returns the headers of its requests. */
export async function openStreamable(url: string): Promise<Record<string, string>> {
  const response = await post(`${url}/mcp`, initialize, { Accept: accept })
  const session = { Accept: accept, 'Mcp-Session-Id': response.headers.get('Mcp-Session-Id')! }
  await post(`${url}/mcp`, { jsonrpc: '2.0', method: 'notifications/initialized' }, session)
  return session
}
