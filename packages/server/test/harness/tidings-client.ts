import {
  type Client,
  connect,
  type ConnectOptions,
  type TransportName,
  type StateEvent,
} from '@tidings/client'
import { defer } from '@tidings/testkit/disposers'

/** The transports our client comes in by. */
export const transports: readonly TransportName[] = ['http+sse', 'paired', 'streamable-http', 'stateless']

/** Those that have a session, which is lost when nobody comes back for it. */
export const sessionTransports = transports.filter((transport) => transport !== 'stateless')

/** The method of the request that a transport's stream of changes is the response to. */
export const streamMethod = (transport: TransportName) => (transport === 'stateless' ? 'POST' : 'GET')

/** Our client, closed after the test. */
export async function connectTidings(url: string, options: ConnectOptions = {}): Promise<Client> {
  const path = options.transport === 'http+sse' || options.transport === 'paired' ? '/sse' : '/mcp'
  const client = await connect(url + path, options)
  return defer(client, () => client.close())
}

/** The next time the client gets into the state. */
export function nextState(client: Client, state: StateEvent['state']): Promise<StateEvent> {
  return new Promise((resolve) => {
    const off = client.on('state', (event) => {
      if (event.state !== state) return
      off()
      resolve(event)
    })
  })
}
