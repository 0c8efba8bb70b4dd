import { defer } from '@tidings/testkit/disposers'
import { Inbox } from '@tidings/testkit/inbox'
import { type Client, connect, type ConnectOptions, type StateEvent } from '../../src/index.ts'
import { FakeHttpSse } from './fake-http-sse.ts'
import { FakeStateless } from './fake-stateless.ts'
import { FakeStreamable } from './fake-streamable.ts'

/** A fake server, closed after the test. */
export async function fakeHttpSse(): Promise<FakeHttpSse> {
  const server = await FakeHttpSse.start()
  return defer(server, (server) => server.close())
}

/** A fake server of Streamable HTTP, closed after the test. */
export async function fakeStreamable(): Promise<FakeStreamable> {
  const server = await FakeStreamable.start()
  return defer(server, (server) => server.close())
}

/** A fake server of revision 2026-07-28, closed after the test. */
export async function fakeStateless(): Promise<FakeStateless> {
  const server = await FakeStateless.start()
  return defer(server, (server) => server.close())
}

/** A server of the paired transport, closed after the test: its responses are the HTTP responses. */
export async function fakePaired(): Promise<FakeHttpSse> {
  const server = (await fakeHttpSse()).withIds()
  server.onGet = (stream) => {
    stream.open(stream.lastEventId ? { 'tidings-recovered': 'true' } : {})
    stream.raw('retry: 100\n\n')
    server.send = (message) => stream.message(message, 'id')
  }
  server.onPost = (post) => {
    const { id, method, params } = post.message
    if (id === undefined || method === undefined) return post.accepted()
    const answer = server.answerTo({ id, method, params })
    if (!answer) return
    post.response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' })
    post.response.end(JSON.stringify({ jsonrpc: '2.0', ...answer }))
  }
  return server
}

/** A client, closed after the test. */
export async function connected(url: string, options?: ConnectOptions): Promise<Client> {
  const client = await connect(url, options)
  return defer(client, (client) => client.close())
}

/** The states a client goes through from here on. */
export function statesOf(client: Client): Inbox<StateEvent> {
  const states = new Inbox<StateEvent>()
  client.on('state', (event) => states.push(event))
  return states
}
