import { Client, StreamableHTTPClientTransport, type SubscriptionFilter } from '@modelcontextprotocol/client'
import { answer, clientInfo, type ClientKind, type PeerClient, textOf } from '../peer-client.ts'

/** The client of `@modelcontextprotocol/client`, as it is by itself: with a session. */
export const official2Legacy: ClientKind = {
  name: 'official 2.x legacy',
  revision: '2025-11-25',
  path: '/mcp',
  connect: (url) => connect(url, 'legacy'),
}

/** The client of `@modelcontextprotocol/client`, told to find out: at 2026-07-28. */
export const official2Modern: ClientKind = {
  name: 'official 2.x modern',
  revision: '2026-07-28',
  path: '/mcp',
  connect: (url) => connect(url, 'auto'),
}

async function connect(url: string, mode: 'legacy' | 'auto'): Promise<PeerClient> {
  const capabilities = { elicitation: {} }
  const client = new Client(clientInfo, { capabilities, versionNegotiation: { mode } })
  client.setRequestHandler('elicitation/create', () => answer)
  await client.connect(new StreamableHTTPClientTransport(new URL(url)))
  const isModern = client.getProtocolEra() === 'modern'
  const listen = async (filter: SubscriptionFilter) => {
    const { honoredFilter } = await client.listen(filter)
    expect(honoredFilter).toEqual(filter)
  }
  const read = async (uri: string) => textOf((await client.readResource({ uri })).contents)
  const subscribe: PeerClient['subscribe'] = async (uri, updated) => {
    client.setNotificationHandler('notifications/resources/updated', async ({ params }) => {
      if (params.uri === uri) await updated()
    })
    if (isModern) await listen({ resourceSubscriptions: [uri] })
    else await client.subscribeResource({ uri })
  }
  return {
    revision: client.getNegotiatedProtocolVersion()!,
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    resources: async () => (await client.listResources()).resources.map(({ uri }) => uri),
    async call(name, args, { onProgress, timeoutMs = 10_000 } = {}) {
      const options = {
        timeout: timeoutMs,
        ...(onProgress && { onprogress: ({ progress }: { progress: number }) => onProgress(progress) }),
      }
      return textOf((await client.callTool({ name, arguments: { ...args } }, options)).content)
    },
    read,
    subscribe,
    keepUpToDate: (uri, heard) => subscribe(uri, async () => heard(await read(uri))),
    async onResourcesChanged(changed) {
      client.setNotificationHandler('notifications/resources/list_changed', changed)
      if (isModern) await listen({ resourcesListChanged: true })
    },
    close: () => client.close(),
  }
}
