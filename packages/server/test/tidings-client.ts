import { type Client, connect, type ConnectOptions, type Door, type StateEvent } from '@tidings/client'
import { defer } from './harness.ts'

/** The doors our client comes in by. */
export const doors: readonly Door[] = ['http+sse', 'paired']

/** Our client, closed after the test. */
export async function connectTidings(url: string, options?: ConnectOptions): Promise<Client> {
  const client = await connect(`${url}/sse`, options)
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
