import type { Client, ConnectOptions, TransportName } from '../../src/index.ts'
import type { FakeEndpoint, FakePost } from './fake-endpoint.ts'
import { FakeHttpSse } from './fake-http-sse.ts'
import { FakeStreamable } from './fake-streamable.ts'
import { connected, fakeHttpSse, fakePaired, fakeStateless, fakeStreamable } from './harness.ts'

export const transports = ['http+sse', 'paired', 'streamable-http', 'stateless'] as const
export const legacyTransports = ['http+sse', 'paired', 'streamable-http'] as const

const servers: Record<TransportName, () => Promise<FakeEndpoint>> = {
  'http+sse': fakeHttpSse,
  paired: fakePaired,
  'streamable-http': async () => (await fakeStreamable()).withStream(),
  stateless: fakeStateless,
}

/** A fake server of one transport, and a client of it. */
export async function onTransport(
  transport: TransportName,
  options: ConnectOptions = {},
): Promise<{ server: FakeEndpoint; client: Client }> {
  const server = await servers[transport]()
  const client = await connected(server.url, { ...options, transport })
  return { server, client }
}

/** Sends a message to the client of a legacy transport, on the stream of its session. */
export function sendTo(server: FakeEndpoint, message: object): void {
  if (server instanceof FakeHttpSse) server.send(message)
  else if (server instanceof FakeStreamable) server.newest!.message(message)
  else throw new Error('There is no stream of a session')
}

/** The server asks for something that it needs for the response to this call. */
export function askFor(server: FakeEndpoint, call: FakePost, method: string, params?: object): void {
  const request = { method, ...(params && { params }) }
  if (server instanceof FakeHttpSse || server instanceof FakeStreamable)
    sendTo(server, { id: 'question', ...request })
  else call.result({ resultType: 'input_required', inputRequests: { question: request } })
}
