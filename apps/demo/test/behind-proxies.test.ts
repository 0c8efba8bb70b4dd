import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type Client, type StateEvent } from '@tidings/client'
import { defer } from '@tidings/testkit/disposers'
import { freePort } from '@tidings/testkit/free-port'
import { RedisServer } from '@tidings/testkit/redis-server'
import { until } from '@tidings/testkit/until'
import { startProxy } from './proxies.ts'
import { RawEventSource } from './raw-event-source.ts'
import { run, type Running } from './run-demo.ts'

const uri = 'demo://counter'
let notes: string

beforeAll(async () => {
  notes = await mkdtemp(join(tmpdir(), 'tidings-notes-'))
})

afterAll(() => rm(notes, { recursive: true }))

/** A process of the demo that keeps its port when it is started again. */
class NodeProcess {
  readonly port: number
  readonly #env: NodeJS.ProcessEnv
  running!: Running
  errors = ''

  constructor(port: number, env: NodeJS.ProcessEnv) {
    this.port = port
    this.#env = env
  }

  async start(): Promise<this> {
    this.running = run('server.js', [], {
      ...this.#env,
      PORT: String(this.port),
      HOST: '127.0.0.1',
      NOTES_DIR: notes,
    })
    this.running.process.stderr.on('data', (text: string) => (this.errors += text))
    await this.running.line(/^Tidings demo on http:/)
    return this
  }
}

/** Two processes, until the end of the test. */
async function startNodes(env: NodeJS.ProcessEnv): Promise<[NodeProcess, NodeProcess]> {
  const start = async () => {
    const node = defer(new NodeProcess(await freePort(), env), ({ running }) => running.end())
    return node.start()
  }
  return [await start(), await start()]
}

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'raw', version: '1.0.0' },
  },
}

function post(url: string, message: object, sessionId?: string): Promise<Response> {
  return fetch(`${url}/mcp`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...(sessionId && { 'Mcp-Session-Id': sessionId }),
    },
    body: JSON.stringify(message),
  })
}

test('without a backplane, what comes to another process is refused in words, and that process logs why', async () => {
  const nodes = await startNodes({ LOG_LEVEL: 'warn' })
  const url = await startProxy(
    'nginx',
    nodes.map(({ port }) => port),
  )
  const sessionId = (await post(url, initialize)).headers.get('Mcp-Session-Id')!
  const refusals: string[] = []
  for (let id = 2; refusals.length < 2; id++) {
    const response = await post(url, { jsonrpc: '2.0', id, method: 'ping' }, sessionId)
    const text = await response.text()
    if (response.status === 404) refusals.push(text)
    else expect(response.status).toBe(200)
  }
  for (const text of refusals) expect(text).toMatch(/This session was opened by another process.*backplane/)
  const logged = () => nodes.flatMap(({ errors }) => errors.match(/"msg":"[^"]*another process[^"]*"/g) ?? [])
  await until(() => logged().length > 0, 'nothing is logged')
  expect(logged()).toHaveLength(1)
})

const transports = ['http+sse', 'paired', 'streamable-http', 'stateless'] as const

test.each(['nginx', 'caddy'] as const)(
  'behind %s, with Redis, clients of all transports go on when either node is killed, in their sessions',
  async (name) => {
    const redis = defer(await RedisServer.start(), (server) => server.close())
    const nodes = await startNodes({ REDIS_URL: redis.url, LOG_LEVEL: 'error' })
    const url = await startProxy(
      name,
      nodes.map(({ port }) => port),
    )
    const clients = await Promise.all(
      transports.map((transport) => {
        const path = transport === 'http+sse' || transport === 'paired' ? '/sse' : '/mcp'
        return connect(url + path, { transport }).then((client) => defer(client, () => client.close()))
      }),
    )
    const heard = clients.map(updatesOf)
    const begunAnew = clients.map(sessionsBegunAnew)
    const raw = defer(new RawEventSource(url), (each) => each.close())
    await raw.initialize()
    await raw.request('resources/subscribe', { uri })
    for (const client of clients) await client.subscribe(uri)

    const changeIsTold = async (when: string) => {
      const before = [...heard, raw.heard].map(({ length }) => length)
      // A call may have run on a node that was just killed: then the client says so, and another one is made.
      await until(
        () =>
          clients[3]!.callTool('burst', { count: 1 }).then(
            () => true,
            () => false,
          ),
        `no call goes through ${when}`,
      )
      await until(
        () => [...heard, raw.heard].every(({ length }, i) => length > before[i]!),
        () =>
          `not all are told ${when}: ${[...heard, raw.heard].map(({ length }, i) => length - before[i]!).join()}`,
        20_000,
      )
    }

    await changeIsTold('at first')
    for (const [i, victim] of nodes.entries()) {
      victim.running.process.kill('SIGKILL')
      await changeIsTold(`without node ${i + 1}`)
      for (const client of clients) await client.readResource(uri)
      await raw.request('resources/read', { uri })
      await victim.start()
      await changeIsTold(`with node ${i + 1} again`)
    }

    expect(begunAnew.map(({ length }) => length)).toEqual([0, 0, 0, 0])
    expect(raw.endpoints.size).toBe(1)
    expect(raw.streams).toBeGreaterThan(1)
  },
)

function updatesOf(client: Client): string[] {
  const heard: string[] = []
  client.on('notifications/resources/updated', (params) => heard.push(params.uri))
  return heard
}

/** The reconnects after which the client had to read everything again. */
function sessionsBegunAnew(client: Client): StateEvent[] {
  const events: StateEvent[] = []
  client.on('state', (event) => {
    if (event.state === 'connected' && event.recovered === false) events.push(event)
  })
  return events
}
