import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import { post } from '@tidings/testkit/post'
import { untilHealth } from '../../harness/health.ts'
import { read } from '../../harness/read.ts'
import { start } from '../../harness/start.ts'

/** The client of the course's chapter on the SSE transport: two fetches and a loop. */
class ChapterClient {
  readonly #baseUrl: string
  readonly clientId = randomUUID()
  #lastId = 0
  #stream: Response | undefined

  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl
  }

  async connect(): Promise<void> {
    this.#stream = await fetch(`${this.#baseUrl}/sse?client_id=${this.clientId}`)
    if (!this.#stream.ok) throw new Error(`HTTP ${this.#stream.status}`)
  }

  async call_tool(name: string, args: object): Promise<any> {
    return this.request('tools/call', { name, arguments: args })
  }

  async request(method: string, params: object): Promise<any> {
    const response = await fetch(`${this.#baseUrl}/mcp?client_id=${this.clientId}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: ++this.#lastId, method, params }),
    })
    return ((await response.json()) as { result: unknown }).result
  }

  async *listen_notifications(): AsyncGenerator<any> {
    let text = ''
    for await (const chunk of this.#stream!.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const lines = text.split('\n')
      text = lines.pop()!
      for (const line of lines) if (line.startsWith('data: ')) yield JSON.parse(line.slice(6))
    }
  }
}

const newId = () => randomUUID()
const initialize = {
  jsonrpc: '2.0',
  id: 'i',
  method: 'initialize',
  params: {
    protocolVersion: '2025-06-18',
    capabilities: { roots: {} },
    clientInfo: { name: 'raw', version: '0' },
  },
}

test("the chapter's client connects, calls a tool and listens for notifications", async () => {
  let stock = 3
  const { url } = await start((server) => {
    const shelf = server.resource('shop://shelf', {}, () => ({ stock }))
    server.tool('sell', { input: z.object({ count: z.number() }) }, ({ count }) => {
      stock -= count
      shelf.changed()
      return { content: [{ type: 'text', text: `${stock} left` }] }
    })
  })
  const client = new ChapterClient(url)
  await client.connect()
  const notifications = client.listen_notifications()
  expect(await client.request('resources/subscribe', { uri: 'shop://shelf' })).toEqual({})
  expect(await client.call_tool('sell', { count: 1 })).toEqual({
    content: [{ type: 'text', text: '2 left' }],
  })
  expect((await notifications.next()).value).toEqual({
    jsonrpc: '2.0',
    method: 'notifications/resources/updated',
    params: { uri: 'shop://shelf' },
  })
  await notifications.return(undefined)
})

test('an answer is the HTTP response; what wants no answer is accepted', async () => {
  const { url } = await start()
  const mcp = `${url}/mcp?client_id=${newId()}`
  const answer = await post(mcp, initialize)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('Content-Type')).toMatch('application/json')
  expect(await answer.json()).toMatchObject({ id: 'i', result: { protocolVersion: '2025-06-18' } })
  const accepted = await post(mcp, { jsonrpc: '2.0', method: 'notifications/initialized' })
  expect([accepted.status, await accepted.text()]).toEqual([202, ''])
  const unknown = await post(mcp, { jsonrpc: '2.0', id: 2, method: 'no/such' })
  expect([unknown.status, await unknown.json()]).toEqual([
    200,
    { jsonrpc: '2.0', id: 2, error: { code: -32601, message: 'Unknown method: no/such' } },
  ])
})

test('bad input is refused in the HTTP response', async () => {
  const { url } = await start(() => {}, { maxBodyBytes: 1000 })
  const mcp = `${url}/mcp?client_id=${newId()}`
  const refusals: [unknown, number, number][] = [
    ['{', 400, -32700],
    ['{"jsonrpc":"1.0","id":1,"method":"ping"}', 400, -32600],
    ['[]', 400, -32600],
    ['null', 400, -32600],
    ['x'.repeat(2000), 413, -32600],
  ]
  for (const [body, status, code] of refusals) {
    const response = await post(mcp, body)
    expect([response.status, (await response.json()).error.code]).toEqual([status, code])
  }
  expect((await post(mcp, initialize, { 'Content-Type': 'text/plain' })).status).toBe(415)
})

test('the stream carries requests to the client, which answers them by POST', async () => {
  const { url } = await start((server) => {
    server.tool('where', {}, async (_args, { roots }) => ({
      content: [{ type: 'text', text: (await roots()).map(({ uri }) => uri).join() }],
    }))
  })
  const id = newId()
  const mcp = `${url}/mcp?client_id=${id}`
  const stream = await read(`${url}/sse?client_id=${id}`)
  await post(mcp, initialize)
  const called = post(mcp, { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'where' } })
  const ask = await stream.message()
  expect(ask.method).toBe('roots/list')
  const answer = { jsonrpc: '2.0', id: ask.id, result: { roots: [{ uri: 'file:///home' }] } }
  expect((await post(mcp, answer)).status).toBe(202)
  expect(await (await called).json()).toMatchObject({ result: { content: [{ text: 'file:///home' }] } })
  expect((await post(mcp, answer)).status).toBe(202)
})

test('a client_id that could be guessed is refused', async () => {
  const { url } = await start()
  for (const id of ['', 'me', 'x'.repeat(21), 'x'.repeat(129), 'a b'.repeat(10), '../'.repeat(10)]) {
    const query = `client_id=${encodeURIComponent(id)}`
    for (const response of [
      await fetch(`${url}/sse?${query}`),
      await post(`${url}/mcp?${query}`, initialize),
    ]) {
      expect(response.status).toBe(400)
      expect((await response.json()).error.message).toMatch('at least 128 random bits')
    }
  }
})

test('a client_id that another principal holds is refused, and nothing of it is changed', async () => {
  const { url } = await start(() => {}, { principal: (ctx: any) => ctx.get('Authorization') || undefined })
  const id = newId()
  const alice = { Authorization: 'alice' }
  const stream = await read(`${url}/sse?client_id=${id}`, alice)
  const mallory = { Authorization: 'mallory' }
  expect((await fetch(`${url}/sse?client_id=${id}`, { headers: mallory })).status).toBe(403)
  expect((await post(`${url}/mcp?client_id=${id}`, initialize, mallory)).status).toBe(403)
  expect((await post(`${url}/mcp?client_id=${id}`, initialize)).status).toBe(403)
  expect((await fetch(`${url}/mcp?client_id=${id}`, { method: 'DELETE', headers: mallory })).status).toBe(403)
  expect(stream.closed).toBe(false)
  expect((await post(`${url}/mcp?client_id=${id}`, initialize, alice)).status).toBe(200)
})

test('a second stream of the same client takes the place of the first', async () => {
  const { url, server } = await start()
  const id = newId()
  const first = await read(`${url}/sse?client_id=${id}`)
  const second = await read(`${url}/sse?client_id=${id}`)
  await first.untilClosed()
  server.listChanged('tools')
  expect(await second.message()).toMatchObject({ method: 'notifications/tools/list_changed' })
  expect(first.events).toEqual([])
})

test('a stream is resumed by its last event id; one of another epoch is not', async () => {
  const { url, server } = await start()
  const id = newId()
  const first = await read(`${url}/sse?client_id=${id}`)
  server.listChanged('tools')
  await first.message()
  const lastEventId = first.lastEventId
  first.cut()
  server.listChanged('prompts')
  const second = await read(`${url}/sse?client_id=${id}`, { 'Last-Event-ID': lastEventId })
  expect(second.response.headers['tidings-recovered']).toBe('true')
  expect(await second.message()).toMatchObject({ method: 'notifications/prompts/list_changed' })
  second.cut()
  const [session, , position] = lastEventId.split('.')
  const third = await read(`${url}/sse?client_id=${id}`, { 'Last-Event-ID': `${session}.old.${position}` })
  expect(third.response.headers['tidings-recovered']).toBe('false')
})

test('a client that comes back without an event id is told what changed while it was away', async () => {
  const { url, server } = await start()
  const id = newId()
  const first = await read(`${url}/sse?client_id=${id}`)
  first.cut()
  await untilHealth(url, ({ connected_clients }) => connected_clients === 0)
  server.listChanged('tools')
  server.listChanged('tools')
  server.listChanged('prompts')
  const second = await read(`${url}/sse?client_id=${id}`)
  expect((await second.message()).method).toBe('notifications/tools/list_changed')
  expect((await second.message()).method).toBe('notifications/prompts/list_changed')
})

test('a handler is told when the client that waits for its answer has gone', async () => {
  let called!: () => void
  let aborted!: (reason: unknown) => void
  const isCalled = new Promise<void>((resolve) => (called = resolve))
  const reason = new Promise((resolve) => (aborted = resolve))
  const { url } = await start((server) => {
    server.tool('hang', {}, (_args, { signal }) => {
      signal.addEventListener('abort', () => aborted(signal.reason))
      called()
      return new Promise(() => {})
    })
  })
  const gone = new AbortController()
  const call = fetch(`${url}/mcp?client_id=${newId()}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'hang' } }),
    signal: gone.signal,
  })
  await isCalled
  gone.abort()
  await expect(call).rejects.toThrow()
  expect(await reason).toMatchObject({ name: 'AbortError', message: 'The client is gone' })
})

test('a request that its client cancels is closed without an answer', async () => {
  const { url } = await start((server) => {
    server.tool('hang', {}, (_args, { log }) => {
      log('error', 'started')
      return new Promise(() => {})
    })
  })
  const id = newId()
  const mcp = `${url}/mcp?client_id=${id}`
  const stream = await read(`${url}/sse?client_id=${id}`)
  const call = post(mcp, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'hang' } })
  await stream.message()
  await post(mcp, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
  const response = await call
  expect([response.status, await response.text()]).toEqual([202, ''])
})

test('DELETE ends the session, and only a session that is', async () => {
  const { url } = await start()
  const id = newId()
  const stream = await read(`${url}/sse?client_id=${id}`)
  expect((await fetch(`${url}/mcp?client_id=${id}`, { method: 'DELETE' })).status).toBe(204)
  await stream.untilClosed()
  expect((await fetch(`${url}/mcp?client_id=${id}`, { method: 'DELETE' })).status).toBe(404)
})

test('a client that initializes again begins anew', async () => {
  const { url, server } = await start((server) => {
    server.resource('test://a', {}, () => 'a')
  })
  const id = newId()
  const mcp = `${url}/mcp?client_id=${id}`
  const stream = await read(`${url}/sse?client_id=${id}`)
  await post(mcp, { jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params: { uri: 'test://a' } })
  await post(mcp, initialize)
  await post(mcp, { jsonrpc: '2.0', method: 'notifications/initialized' })
  server.changed('test://a')
  server.listChanged('tools')
  expect((await stream.message()).method).toBe('notifications/tools/list_changed')
})

test('two clients with one client_id do not throw each other out again and again', async () => {
  const { url } = await start()
  const path = `${url}/sse?client_id=${newId()}`
  const first = await read(path)
  const second = await read(path)
  await first.untilClosed()
  // It comes back, and has to wait for its turn. So have others, but not any number.
  const waiting = [1, 2, 3, 4, 5].map(() => read(path))
  const refused = waiting.map((each) => each.then(() => Promise.reject(new Error('opened')), String))
  expect(await Promise.any(refused)).toMatch(/ was answered 409$/)
  expect(second.closed).toBe(false)
  second.cut()
  const next = await Promise.any(waiting)
  expect(next.closed).toBe(false)
  expect((await fetch(path.replace('/sse', '/mcp'), { method: 'DELETE' })).status).toBe(204)
  const rest = await Promise.allSettled(waiting)
  expect(rest.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})
