import { type Client, connect, type ConnectOptions, type Door, type StateEvent } from '@tidings/client'
import { defer } from './harness.ts'

/** The doors our client comes in by. */
export const doors: readonly Door[] = ['http+sse', 'paired', 'streamable', 'stateless']

/** Those that have a session, which is lost when nobody comes back for it. */
export const sessionDoors = doors.filter((door) => door !== 'stateless')

/** The method of the request that a door's stream of changes is the response to. */
export const streamMethod = (door: Door) => (door === 'stateless' ? 'POST' : 'GET')

/** Our client, closed after the test. */
export async function connectTidings(url: string, options: ConnectOptions = {}): Promise<Client> {
  const path = options.door === 'http+sse' || options.door === 'paired' ? '/sse' : '/mcp'
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

/** What is wrong with a promise that is rejected. */
export function rejection(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error('It was expected to be rejected')
    },
    (error: unknown) => error as Error,
  )
}
