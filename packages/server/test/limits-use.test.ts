import { once } from 'node:events'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { deferred } from '@tidings/testkit/deferred'
import { health } from './harness/health.ts'
import { modernBody, modernHeaders } from './harness/modern.ts'
import { start } from './harness/start.ts'

const total = { sessions: 8, streams: 10, requests: 6, subscriptions: 12, bytes: 60_000 }
const ofOne = { sessions: 5, streams: 6, requests: 4, subscriptions: 6, bytes: 30_000 }
const principals = ['', 'ada', 'bob'] as const
const names = ['a', 'b', 'c', 'd']
const things = ['sessions', 'streams', 'requests', 'subscriptions', 'bytes'] as const
type Thing = (typeof things)[number]

const _meta = { progressToken: 'p' }

/** A request under way, and what came of it. */
interface Exchange {
  request: ClientRequest
  principal: string
  response: IncomingMessage | undefined
  status: number
  headers: IncomingMessage['headers']
  /** The start of the body. */
  text: string
}

interface Known {
  url: string
  principal: string
  headers: Record<string, string>
}

/** Clients of every kind, on connections of their own, that do what a test says and are cut as it says. */
class Clients {
  readonly #port: number
  readonly open = new Set<Exchange>()
  readonly sockets = new Set<Socket>()
  /** Where to send messages to sessions that were opened. */
  readonly sessions: Known[] = []
  #id = 0

  constructor(port: number) {
    this.#port = port
  }

  /** Sends a request; what comes back is read to its end, unless it is told to stall. */
  exchange(
    method: string,
    path: string,
    principal: string,
    {
      body,
      headers = {},
      stall = false,
    }: { body?: object; headers?: Record<string, string>; stall?: boolean } = {},
  ): Exchange {
    const request = httpRequest(`http://127.0.0.1:${this.#port}${path}`, {
      method,
      agent: false,
      headers: {
        Accept: 'application/json, text/event-stream',
        ...(body && { 'Content-Type': 'application/json' }),
        ...(principal && { Authorization: principal }),
        ...headers,
      },
    })
    const exchange: Exchange = { request, principal, response: undefined, status: 0, headers: {}, text: '' }
    this.open.add(exchange)
    request.on('error', () => {})
    request.once('close', () => this.open.delete(exchange))
    request.once('response', (response) => {
      exchange.response = response
      exchange.status = response.statusCode!
      exchange.headers = response.headers
      response.on('error', () => {})
      if (!stall)
        response.on(
          'data',
          (data: Buffer) => (exchange.text = (exchange.text + data.toString()).slice(0, 1000)),
        )
    })
    request.end(body && JSON.stringify(body))
    return exchange
  }

  /** What is told at once: the head, and the first event of a stream. */
  async answered(exchange: Exchange): Promise<Exchange> {
    while (exchange.response === undefined && this.open.has(exchange)) await setImmediate()
    return exchange
  }

  message(method: string, params: object = {}) {
    return { jsonrpc: '2.0', id: ++this.#id, method, params }
  }

  modern(method: string, params: Record<string, unknown>, principal: string, stall = false): Exchange {
    const call = { method, params, id: ++this.#id, meta: { progressToken: 'p' } }
    return this.exchange('POST', '/mcp', principal, {
      body: modernBody(call),
      headers: modernHeaders(call),
      stall,
    })
  }

  /** Requests at once on one connection, each of which waits for the answer to the one before. */
  pipelined(principal: string): void {
    const socket = connect(this.#port, '127.0.0.1')
      .on('error', () => {})
      .resume()
    this.sockets.add(socket)
    const bodies = [1, 2].map(() => JSON.stringify(this.message('tools/call', { name: 'hang' })))
    const head = ['Host: 127.0.0.1', ...(principal ? [`Authorization: ${principal}`] : [])]
    const id = crypto.randomUUID()
    const open = [`GET /sse?client_id=${id} HTTP/1.1`, 'Accept: text/event-stream', ...head]
    const posts = bodies.map((body) => {
      const length = `Content-Length: ${body.length}`
      const post = [`POST /mcp?client_id=${id} HTTP/1.1`, 'Content-Type: application/json', length, ...head]
      return `${post.join('\r\n')}\r\n\r\n${body}`
    })
    // What answers slowly first: a stream would be the last on its connection.
    socket.write(`${posts.join('')}${open.join('\r\n')}\r\n\r\n`)
  }

  cutAll(): void {
    for (const { request } of this.open) request.destroy()
    for (const socket of this.sockets) socket.destroy()
    this.sockets.clear()
  }
}

const principal = fc.constantFrom(...principals)
const which = fc.nat(20)
const operation = fc.oneof(
  fc.record({ do: fc.constant('sse' as const), principal }),
  fc.record({ do: fc.constant('resume' as const), which }),
  fc.record({ do: fc.constant('paired' as const), principal }),
  fc.record({ do: fc.constant('initialize' as const), principal, broken: fc.boolean() }),
  fc.record({ do: fc.constant('stream' as const), which }),
  fc.record({
    do: fc.constant('call' as const),
    which,
    tool: fc.constantFrom('hang', 'talk', 'large'),
    stall: fc.boolean(),
  }),
  fc.record({ do: fc.constant('batch' as const), which }),
  fc.record({ do: fc.constant('subscribe' as const), which, name: fc.constantFrom(...names) }),
  fc.record({ do: fc.constant('unsubscribe' as const), which, name: fc.constantFrom(...names) }),
  fc.record({ do: fc.constant('listen' as const), principal, uris: fc.subarray(names) }),
  fc.record({
    do: fc.constant('modern' as const),
    principal,
    tool: fc.constantFrom('hang', 'talk', 'large'),
    stall: fc.boolean(),
  }),
  fc.record({ do: fc.constant('malformed' as const), which }),
  fc.record({ do: fc.constant('pipelined' as const), principal }),
  fc.record({ do: fc.constant('cut' as const), which }),
  fc.record({ do: fc.constant('cut early' as const), principal }),
  fc.record({ do: fc.constant('delete' as const), which }),
  fc.record({ do: fc.constant('finish' as const) }),
)
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never

async function perform(operation: Operation, clients: Clients, finish: () => void): Promise<void> {
  const known =
    'which' in operation ? clients.sessions[operation.which % (clients.sessions.length || 1)] : undefined
  const { sessions } = clients
  const toKnown = (method: string, params: object, stall = false) =>
    known &&
    clients.exchange('POST', known.url, known.principal, {
      body: clients.message(method, params),
      headers: known.headers,
      stall,
    })
  switch (operation.do) {
    case 'sse': {
      const exchange = await clients.answered(clients.exchange('GET', '/sse', operation.principal))
      if (exchange.status !== 200) return
      const endpoint = () => /data: (\/messages\S+)/.exec(exchange.text)?.[1]
      while (endpoint() === undefined) await setImmediate()
      const id = /id: (\S+)/.exec(exchange.text)![1]!
      sessions.push({ url: endpoint()!, principal: operation.principal, headers: { 'Last-Event-ID': id } })
      return
    }
    case 'resume':
    case 'stream': {
      if (known === undefined) return
      const path = known.url.replace(/^\/messages.*/, '/sse').replace('/mcp?', '/sse?')
      await clients.answered(clients.exchange('GET', path, known.principal, { headers: known.headers }))
      return
    }
    case 'paired':
      sessions.push({
        url: `/mcp?client_id=${crypto.randomUUID()}`,
        principal: operation.principal,
        headers: {},
      })
      return
    case 'initialize': {
      const clientInfo = { name: 'c', version: '0' }
      const params = {
        protocolVersion: '2025-03-26',
        capabilities: {},
        ...(!operation.broken && { clientInfo }),
      }
      const body = clients.message('initialize', params)
      const exchange = await clients.answered(clients.exchange('POST', '/mcp', operation.principal, { body }))
      const id = exchange.headers['mcp-session-id']
      if (typeof id === 'string')
        sessions.push({ url: '/mcp', principal: operation.principal, headers: { 'Mcp-Session-Id': id } })
      return
    }
    case 'call':
      toKnown('tools/call', { name: operation.tool, _meta }, operation.stall)
      return
    case 'batch': {
      if (known === undefined) return
      const body = [1, 2, 3].map(() => clients.message('tools/call', { name: 'hang' }))
      clients.exchange('POST', known.url, known.principal, { body, headers: known.headers })
      return
    }
    case 'subscribe':
    case 'unsubscribe':
      toKnown(`resources/${operation.do}`, { uri: `test:///${operation.name}` })
      return
    case 'listen': {
      const resourceSubscriptions = operation.uris.map((name) => `test:///${name}`)
      const params = { notifications: { toolsListChanged: true, resourceSubscriptions } }
      await clients.answered(clients.modern('subscriptions/listen', params, operation.principal))
      return
    }
    case 'modern':
      clients.modern('tools/call', { name: operation.tool }, operation.principal, operation.stall)
      return
    case 'malformed':
      if (known === undefined) return
      clients.exchange('POST', known.url, known.principal, {
        body: { id: 1, method: 'x' },
        headers: known.headers,
      })
      return
    case 'pipelined':
      clients.pipelined(operation.principal)
      return
    case 'cut':
      ;[...clients.open][operation.which % (clients.open.size || 1)]?.request.destroy()
      return
    case 'cut early': {
      // While the server finds out who it is.
      const opened = clients.exchange('GET', '/sse', operation.principal)
      await once(opened.request, 'finish').catch(() => {})
      opened.request.destroy()
      return
    }
    case 'delete':
      if (known === undefined) return
      clients.exchange('DELETE', known.url, known.principal, { headers: known.headers })
      return
    case 'finish':
      finish()
  }
}

/** A server with limits that are soon reached, and what it says is in use. */
async function limited() {
  const finishers = new Set<() => void>()
  const limits = Object.fromEntries(
    things.map((thing) => [thing, { total: total[thing], perPrincipal: ofOne[thing] }]),
  )
  const { url, port } = await start(
    (server) => {
      server.template('test:///{name}', {}, () => 'a')
      server.tool('hang', {}, (_args, { signal, progress }) => {
        const { promise, resolve } = deferred()
        const finisher = () => {
          finishers.delete(finisher)
          progress({ progress: 1 })
          resolve()
        }
        finishers.add(finisher)
        signal.addEventListener('abort', finisher)
        return promise.then(() => ({ content: [] }))
      })
      server.tool('talk', {}, async (_args, { progress }) => {
        progress({ progress: 1 })
        await setImmediate()
        return { content: [] }
      })
      server.tool('large', {}, (_args, { progress }) => {
        progress({ progress: 1 })
        return { content: [{ type: 'text', text: 'x'.repeat(10_000_000) }] }
      })
    },
    {
      limits,
      principal: async (ctx) => {
        await setImmediate()
        return ctx.get('Authorization') || undefined
      },
      resumeWithinMs: 40,
      idleTimeoutMs: 40,
      writeTimeoutMs: 200,
    },
  )
  /** Lets every call that hangs go on. */
  const finish = () => {
    for (const finisher of finishers) finisher()
  }
  const use = async () => {
    const { limits } = (await health(url)) as { limits: Record<Thing, { used: number }> }
    return Object.fromEntries(things.map((thing) => [thing, limits[thing].used])) as Record<Thing, number>
  }
  const untilNone = async (...of: Thing[]) => {
    const deadline = Date.now() + 10_000
    for (;;) {
      const used = await use()
      if (of.every((thing) => used[thing] === 0)) return
      if (Date.now() > deadline) throw new Error(`Still in use: ${JSON.stringify(used)}`)
    }
  }
  return { clients: new Clients(port), finish, use, untilNone }
}

test('whatever clients do and however they leave, the limits hold, and when all are gone nothing is in use', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 40, size: 'max' }), async (operations) => {
      const { clients, finish, use, untilNone } = await limited()
      for (const operation of operations) {
        await perform(operation, clients, finish)
        const used = await use()
        expect(used.sessions).toBeLessThanOrEqual(total.sessions)
        expect(used.requests).toBeLessThanOrEqual(total.requests)
        expect(used.subscriptions).toBeLessThanOrEqual(total.subscriptions)
        expect(used.streams).toBeLessThanOrEqual(total.streams + total.requests)
        for (const count of Object.values(used)) expect(count).toBeGreaterThanOrEqual(0)
      }
      clients.cutAll()
      // What goes on without its client answers to nobody.
      await untilNone('streams')
      finish()
      await untilNone(...things)
      // Each principal can have again all that one may.
      for (const principal of principals.slice(1)) {
        const statuses: number[] = []
        for (let i = 0; i <= ofOne.sessions; i++) {
          statuses.push((await clients.answered(clients.exchange('GET', '/sse', principal))).status)
        }
        expect(statuses).toEqual([...Array<number>(ofOne.sessions).fill(200), 429])
        clients.cutAll()
        await untilNone(...things)
      }
    }),
    { numRuns: 20 },
  )
}, 120_000)
