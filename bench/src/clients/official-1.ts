// The client of @modelcontextprotocol/sdk 1.x.
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { control, textOf } from './control.ts'

control(async (transport, url) => {
  const Transport = transport === 'http+sse' ? SSEClientTransport : StreamableHTTPClientTransport
  const client = new Client({ name: 'bench', version: '1.0.0' })
  await client.connect(new Transport(new URL(url)))
  return {
    call: async (name, args) => textOf((await client.callTool({ name, arguments: args })).content),
    async subscribe(uri, listener) {
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => listener(params.uri))
      await client.subscribeResource({ uri })
    },
  }
})
