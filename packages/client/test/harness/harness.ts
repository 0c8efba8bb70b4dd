import { type Client, connect, type ConnectOptions, type StateEvent } from '../../src/index.ts'
import type { Logger } from '../../src/logger.ts'
import { FakeHttpSse } from './fake-http-sse.ts'
import { FakeStateless } from './fake-stateless.ts'
import { FakeStreamable } from './fake-streamable.ts'
import { Inbox } from './inbox.ts'

const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** Has something closed after the test. */
export function closeAfterwards(close: () => Promise<void>): void {
  closers.push(close)
}

/** A fake server, closed after the test. */
export async function fakeHttpSse(): Promise<FakeHttpSse> {
  const server = await FakeHttpSse.start()
  closeAfterwards(() => server.close())
  return server
}

/** A fake server of Streamable HTTP, closed after the test. */
export async function fakeStreamable(): Promise<FakeStreamable> {
  const server = await FakeStreamable.start()
  closeAfterwards(() => server.close())
  return server
}

/** A fake server of revision 2026-07-28, closed after the test. */
export async function fakeStateless(): Promise<FakeStateless> {
  const server = await FakeStateless.start()
  closeAfterwards(() => server.close())
  return server
}

/** A client, closed after the test. */
export async function connected(url: string, options?: ConnectOptions): Promise<Client> {
  const client = await connect(url, options)
  closeAfterwards(() => client.close())
  return client
}

/** The states a client goes through from here on. */
export function statesOf(client: Client): Inbox<StateEvent> {
  const states = new Inbox<StateEvent>()
  client.on('state', (event) => states.push(event))
  return states
}

/** A logger that remembers. */
export function recordingLogger(): {
  logger: Logger
  lines: Inbox<{ level: string; message: string; fields: object }>
} {
  const lines = new Inbox<{ level: string; message: string; fields: object }>()
  const at = (level: string) => (fields: object, message: string) => lines.push({ level, message, fields })
  return { logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, lines }
}

/** What a promise is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error('It was expected to be rejected')
    },
    (error: unknown) => error as Error,
  )
}
