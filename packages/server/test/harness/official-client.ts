import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport, type SSEClientTransportOptions } from '@modelcontextprotocol/sdk/client/sse.js'
import type { ClientCapabilities, CompatibilityCallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { defer } from '@tidings/testkit/disposers'

export interface OfficialOptions extends SSEClientTransportOptions {
  capabilities?: ClientCapabilities
  /** Called before it connects: for handlers. */
  prepare?: (client: Client) => void
}

/** The official SDK's client, connected over HTTP+SSE. */
export async function connectOfficial(url: string, options: OfficialOptions = {}): Promise<Client> {
  const { capabilities = {}, prepare, ...transportOptions } = options
  const client = new Client({ name: 'official', version: '1.0.0' }, { capabilities })
  prepare?.(client)
  await client.connect(new SSEClientTransport(new URL(`${url}/sse`), transportOptions))
  return defer(client, () => client.close())
}

/** The text of a tool's result. */
export function textOf(result: CompatibilityCallToolResult | object): string {
  const { content } = result as { content: { text: string }[] }
  return content.map(({ text }) => text).join('\n')
}
