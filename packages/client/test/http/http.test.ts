import { rejection } from '@tidings/testkit/rejection'
import { HttpError } from '../../src/index.ts'
import { connected, fakeHttpSse, statesOf } from '../harness/harness.ts'

test('headers given go with every request', async () => {
  const server = (await fakeHttpSse()).withIds()
  const headers = { Authorization: 'Bearer test-token', 'X-Custom-Header': 'custom-value' }
  const client = await connected(server.url, { headers })
  await client.close()
  const requests = [
    (await server.streams.next()).request,
    (await server.post('initialize')).request,
    await server.deletes.next(),
  ]
  for (const request of requests) {
    expect(request.headers).toMatchObject({
      authorization: 'Bearer test-token',
      'x-custom-header': 'custom-value',
    })
  }
  expect(requests[1]!.headers['content-type']).toBe('application/json')
})

test('headers may be made anew for each request, as a token is that changes', async () => {
  const server = await fakeHttpSse()
  let token = 0
  const client = await connected(server.url, {
    transport: 'http+sse',
    headers: async () => ({ authorization: `Bearer ${++token}` }),
  })
  await client.ping()
  const sent = [await server.streams.next(), await server.post('initialize'), await server.post('ping')]
  const tokens = sent.map(({ request }) => request.headers.authorization)
  expect(tokens).toEqual(['Bearer 1', 'Bearer 2', 'Bearer 4'])
})

test('headers given do not replace what the protocol needs', async () => {
  const server = await fakeHttpSse()
  await connected(server.url, { headers: { Accept: 'text/html', 'Content-Type': 'text/plain' } })
  expect((await server.streams.next()).request.headers.accept).toBe('text/event-stream')
  expect((await server.post('initialize')).request.headers['content-type']).toBe('application/json')
})

test('the error of the function that makes the headers is the error of the call', async () => {
  const server = await fakeHttpSse()
  let fail = false
  const failure = new Error('no token')
  const headers = () => (fail ? Promise.reject(failure) : {})
  const client = await connected(server.url, { headers })
  fail = true
  expect(await rejection(client.ping())).toBe(failure)
})

test('a fetch given makes every request', async () => {
  const server = await fakeHttpSse()
  const requests: string[] = []
  const client = await connected(server.url, {
    transport: 'http+sse',
    fetch: (url, init) => {
      requests.push(`${init?.method} ${new URL(url as URL).pathname}`)
      const headers = new Headers(init?.headers)
      headers.set('authorization', 'Bearer mine')
      return fetch(url, { ...init, headers })
    },
  })
  await client.ping()
  expect(requests).toEqual(['GET /sse', 'POST /messages', 'POST /messages', 'POST /messages'])
  expect((await server.post('ping')).request.headers.authorization).toBe('Bearer mine')
})

test('closing closes the stream; a server without event ids is sent nothing more', async () => {
  const server = await fakeHttpSse()
  const client = await connected(server.url)
  const states = statesOf(client)
  await client.close()
  await (
    await server.streams.next()
  ).closed
  expect(server.deletes.all).toEqual([])
  expect(client.state).toBe('closed')
  expect(states.all).toEqual([{ state: 'closed' }])
})

test('closing ends a session that the server would keep for a resume', async () => {
  const server = (await fakeHttpSse()).withIds()
  const client = await connected(server.url)
  await Promise.all([client.close(), client.close()])
  await client.close()
  expect(server.deletes.all.map(({ url }) => url)).toEqual(['/messages?sessionId=1'])
})

test('`await using` closes', async () => {
  const server = await fakeHttpSse()
  const client = await connected(server.url)
  await client[Symbol.asyncDispose]()
  expect(client.state).toBe('closed')
})

test('a body that goes on after 202 holds nothing up', async () => {
  const server = await fakeHttpSse()
  const client = await connected(server.url)
  server.onPost = ({ response, message }) => {
    response.writeHead(202).write('and ')
    server.send(server.answerTo(message)!)
  }
  await client.ping()
  await client.close()
})

test('Retry-After may be a date', async () => {
  const server = await fakeHttpSse()
  const client = await connected(server.url)
  server.onPost = ({ response }) => {
    response.writeHead(503, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }).end()
  }
  const { retryAfterMs } = (await rejection(client.ping())) as HttpError
  expect(retryAfterMs).toBeGreaterThan(50_000)
  expect(retryAfterMs).toBeLessThanOrEqual(60_000)
})
