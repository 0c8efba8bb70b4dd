// Our client.
import { connect } from '@tidings/client'
import { control, textOf } from './control.ts'

control(async (transport, url) => {
  const client = await connect(url, { transport, logger: console })
  return {
    call: async (name, args) => textOf((await client.callTool(name, args)).content),
    async subscribe(uri, listener) {
      client.on('notifications/resources/updated', (params) => listener(params.uri))
      await client.subscribe(uri)
    },
  }
})
