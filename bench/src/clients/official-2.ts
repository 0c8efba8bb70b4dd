// The client of @modelcontextprotocol/client 2.x.
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { control, textOf } from './control.ts'

control(async (transport, url) => {
  const isModern = transport === 'stateless'
  const client = new Client(
    { name: 'bench', version: '1.0.0' },
    { versionNegotiation: { mode: isModern ? 'auto' : 'legacy' } },
  )
  const Transport = transport === 'http+sse' ? SSEClientTransport : StreamableHTTPClientTransport
  await client.connect(new Transport(new URL(url)))
  return {
    call: async (name, args) => textOf((await client.callTool({ name, arguments: args })).content),
    async subscribe(uri, listener) {
      client.setNotificationHandler('notifications/resources/updated', ({ params }) => listener(params.uri))
      if (isModern) await client.listen({ resourceSubscriptions: [uri] })
      else await client.subscribeResource({ uri })
    },
  }
})
