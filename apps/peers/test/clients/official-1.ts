import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  ElicitRequestSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { answer, clientInfo, type ClientKind, type PeerClient, textOf } from '../peer-client.ts'

/** The client of `@modelcontextprotocol/sdk`, over the transport of 2024-11-05. */
export const official1Sse: ClientKind = {
  name: 'official 1.x over SSE',
  revision: '2025-11-25',
  path: '/sse',
  connect: (url) => connect(new SSEClientTransport(new URL(url))),
}

/** The client of `@modelcontextprotocol/sdk`, over the transport of 2025-03-26 and later. */
export const official1Streamable: ClientKind = {
  name: 'official 1.x over Streamable HTTP',
  revision: '2025-11-25',
  path: '/mcp',
  connect: (url) => connect(new StreamableHTTPClientTransport(new URL(url))),
}

async function connect(transport: Transport): Promise<PeerClient> {
  const client = new Client(clientInfo, { capabilities: { elicitation: {} } })
  client.setRequestHandler(ElicitRequestSchema, () => answer)
  let revision = ''
  const setProtocolVersion = transport.setProtocolVersion?.bind(transport)
  transport.setProtocolVersion = (version) => {
    revision = version
    setProtocolVersion?.(version)
  }
  await client.connect(transport)
  const read = async (uri: string) => textOf((await client.readResource({ uri })).contents)
  const subscribe: PeerClient['subscribe'] = async (uri, updated) => {
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, async ({ params }) => {
      if (params.uri === uri) await updated()
    })
    await client.subscribeResource({ uri })
  }
  return {
    revision,
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    resources: async () => (await client.listResources()).resources.map(({ uri }) => uri),
    async call(name, args, { onProgress, timeoutMs = 10_000 } = {}) {
      const options = {
        timeout: timeoutMs,
        ...(onProgress && { onprogress: ({ progress }: { progress: number }) => onProgress(progress) }),
      }
      const params = { name, arguments: { ...args } }
      const { content } = await client.callTool(params, undefined, options)
      return textOf(content as object[])
    },
    read,
    subscribe,
    keepUpToDate: (uri, heard) => subscribe(uri, async () => heard(await read(uri))),
    async onResourcesChanged(changed) {
      client.setNotificationHandler(ResourceListChangedNotificationSchema, changed)
    },
    close: () => client.close(),
  }
}
