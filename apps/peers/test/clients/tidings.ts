import { connect, type TransportName } from '@tidings/client'
import { answer, clientInfo, type ClientKind, textOf } from '../peer-client.ts'

/** Our client. Without a transport it finds out by itself which the server has. */
export function tidings(transport?: TransportName): ClientKind {
  return {
    name: transport ? `our client by ${transport}` : 'our client',
    revision: transport === undefined || transport === 'stateless' ? '2026-07-28' : '2025-11-25',
    ...(transport && { path: transport === 'http+sse' || transport === 'paired' ? '/sse' : '/mcp' }),
    async connect(url) {
      const handlers = { elicit: () => answer }
      const client = await connect(url, { clientInfo, handlers, ...(transport && { transport }) })
      return {
        revision: client.revision,
        tools: async () => (await client.listTools()).map(({ name }) => name),
        resources: async () => (await client.listResources()).map(({ uri }) => uri),
        async call(name, args, { onProgress, timeoutMs = 10_000 } = {}) {
          const options = {
            timeoutMs,
            ...(onProgress && { onProgress: ({ progress }: { progress: number }) => onProgress(progress) }),
          }
          return textOf((await client.callTool(name, { ...args }, options)).content)
        },
        read: async (uri) => textOf((await client.readResource(uri)).contents),
        async subscribe(uri, updated) {
          client.on('notifications/resources/updated', (params) => {
            if (params.uri === uri) void updated()
          })
          await client.subscribe(uri)
        },
        async keepUpToDate(uri, read) {
          const watch = client.watch(uri)
          await watch.next()
          void (async () => {
            for await (const { contents } of watch) read(textOf(contents))
          })()
        },
        async onResourcesChanged(changed) {
          client.on('notifications/resources/list_changed', changed)
        },
        close: () => client.close(),
      }
    },
  }
}
