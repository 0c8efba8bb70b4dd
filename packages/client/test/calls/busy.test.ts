import { rejection } from '@tidings/testkit/rejection'
import type { Client } from '../../src/index.ts'
import type { FakePost } from '../harness/fake-endpoint.ts'
import { connected, fakeStreamable } from '../harness/harness.ts'
import { onTransport, transports } from '../harness/transports.ts'

const results: Record<string, object> = {
  'tools/list': { tools: [] },
  'prompts/list': { prompts: [] },
  'prompts/get': { messages: [] },
  'resources/list': { resources: [] },
  'resources/templates/list': { resourceTemplates: [] },
  'resources/read': { contents: [] },
  'completion/complete': { completion: { values: [] } },
  ping: {},
}

const safe: [string, (client: Client) => Promise<unknown>][] = [
  ['tools/list', (client) => client.listTools()],
  ['prompts/list', (client) => client.listPrompts()],
  ['prompts/get', (client) => client.getPrompt('x')],
  ['resources/list', (client) => client.listResources()],
  ['resources/templates/list', (client) => client.listResourceTemplates()],
  ['resources/read', (client) => client.readResource('x://1')],
  [
    'completion/complete',
    (client) =>
      client.complete({ ref: { type: 'ref/prompt', name: 'x' }, argument: { name: 'a', value: '' } }),
  ],
]

const gateway = (post: FakePost, status: number, headers: Record<string, string> = {}) =>
  post.response.writeHead(status, { 'content-type': 'text/html', ...headers }).end('<html>gateway')

/** A server that answers this method, the first so many times, as a gateway does. */
async function behindGateway(
  transport: (typeof transports)[number],
  method: string,
  times: number,
  answer: (post: FakePost) => unknown,
) {
  const { server, client } = await onTransport(transport)
  for (const name in results) server.answers[name] = () => results[name]
  const { onPost } = server
  let left = times
  server.onPost = (post) => (post.message.method === method && left-- > 0 ? void answer(post) : onPost(post))
  const sent = () => server.methods.filter((other) => other === method).length
  return { server, client, sent }
}

const gateways = transports.flatMap((transport) =>
  [429, 502, 503, 504].map((status) => [transport, status] as const),
)

test.each(gateways)('%s: what is safe is sent again after %i', async (transport, status) => {
  const once = async ([method, call]: (typeof safe)[number]) => {
    const { client, sent } = await behindGateway(transport, method, 1, (post) => gateway(post, status))
    const beganAt = performance.now()
    await call(client)
    expect(performance.now() - beganAt).toBeGreaterThan(990)
    expect(sent()).toBe(2)
  }
  await Promise.all((status === 503 ? safe : safe.slice(0, 1)).map(once))
})

test.each(gateways)('%s: a tool is not called again after %i', async (transport, status) => {
  const { client, sent } = await behindGateway(transport, 'tools/call', 9, (post) => gateway(post, status))
  const error = await rejection(client.callTool('x'))
  expect(error).toMatchObject({ name: 'HttpError', status, mayHaveRun: status === 502 || status === 504 })
  expect(error.message).toMatch('tools/call: POST ')
  expect(sent()).toBe(1)
})

test('the server says when: Retry-After is waited for, with a random part more', async () => {
  const answer = (post: FakePost) => gateway(post, 503, { 'retry-after': '2' })
  const { client, sent } = await behindGateway('streamable-http', 'tools/list', 1, answer)
  const beganAt = performance.now()
  await client.listTools()
  expect(performance.now() - beganAt).toBeGreaterThan(1_990)
  expect(sent()).toBe(2)
}, 10_000)

test.each(transports)(
  '%s: a server that asks for more than 5 seconds is not waited for',
  async (transport) => {
    const answer = (post: FakePost) => gateway(post, 429, { 'retry-after': '6' })
    const { client, sent } = await behindGateway(transport, 'tools/list', 1, answer)
    expect(await rejection(client.listTools())).toMatchObject({ status: 429, retryAfterMs: 6_000 })
    expect(sent()).toBe(1)
  },
)

test('it is sent three times in all, each time after a longer pause', async () => {
  const { client, sent } = await behindGateway('stateless', 'tools/list', 9, (post) => gateway(post, 502))
  const beganAt = performance.now()
  expect(await rejection(client.listTools())).toMatchObject({ name: 'HttpError', status: 502 })
  expect(performance.now() - beganAt).toBeGreaterThan(2_990)
  expect(sent()).toBe(3)
}, 10_000)

test('the pause ends with the time of the call, its signal, and close()', async () => {
  const { client, server } = await behindGateway('streamable-http', 'tools/list', 9, (post) =>
    gateway(post, 503),
  )
  const timedOut = await rejection(client.request('tools/list', {}, { timeoutMs: 100 }))
  expect(timedOut).toMatchObject({ name: 'TimeoutError', cause: { status: 503 } })
  await server.post('tools/list')
  const abort = new AbortController()
  const aborted = rejection(client.listTools({ signal: abort.signal }))
  await server.post('tools/list')
  abort.abort('enough')
  expect(await aborted).toBe('enough')
  const closed = rejection(client.listTools())
  await server.post('tools/list')
  await client.close()
  expect(await closed).toMatchObject({ name: 'ClosedError' })
})

test.each(['initialize', 'server/discover'])('%s is sent again as well', async (method) => {
  const server = await fakeStreamable()
  let left = 1
  server.onPost = (post) =>
    post.message.method === method && left-- > 0 ? void gateway(post, 503) : server.answer(post)
  const client = await connected(server.url)
  expect(client.state).toBe('connected')
  expect(server.methods.filter((other) => other === method)).toHaveLength(2)
})
