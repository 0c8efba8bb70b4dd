import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { until } from '@tidings/testkit/until'
import { check } from '../check.ts'
import { patienceMs } from '../patience.ts'
import { mebibytes, type Scenario } from '../scenario.ts'
import { EventSocket } from '../wire/event-socket.ts'
import { type Answer, post } from '../wire/post.ts'

const heapMiB = 512
const MiB = 2 ** 20
const twoByte = '\u4e2d'

/** What a hostile client has got: statuses, by kind of attack. */
type Outcomes = Map<string, Map<number, number>>

/** A client that fills whatever it may, and leaves nothing it has opened. */
class Hostile {
  readonly #port: number
  readonly #headers: Record<string, string>
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 20 })
  readonly #sockets: Socket[] = []
  readonly #streams: EventSocket[] = []
  readonly #outcomes: Outcomes
  #lastId = 0

  constructor(port: number, principal: string, outcomes: Outcomes) {
    this.#port = port
    this.#headers = { Authorization: principal }
    this.#outcomes = outcomes
  }

  async fill(): Promise<void> {
    await Promise.all([
      this.#bodiesThatStopShort(24),
      this.#sessionsThatSayMuch(300),
      this.#listenStreams(20),
      this.#watches(200),
      this.#stalledMailboxes(4),
      this.#keptMail(60),
      this.#unreadAnswers(12),
      this.#tooLong(),
    ])
  }

  leave(): void {
    for (const socket of this.#sockets) socket.destroy()
    for (const stream of this.#streams) stream.cut()
    this.#agent.destroy()
  }

  async #bodiesThatStopShort(count: number): Promise<void> {
    const body = Buffer.alloc(4 * MiB - 1, ' ')
    const head = [
      'POST /mcp HTTP/1.1',
      'Host: 127.0.0.1',
      `Authorization: ${this.#headers.Authorization!}`,
      'Content-Type: application/json',
      `Content-Length: ${4 * MiB}`,
    ]
    for (let i = 0; i < count; i++) {
      const socket = connect(this.#port, '127.0.0.1').on('error', () => {})
      this.#sockets.push(socket)
      socket.once('data', (data) => this.#count('body', Number(data.toString().split(' ')[1])))
      socket.write(`${head.join('\r\n')}\r\n\r\n`)
      // A refused one is not read to its end, so nobody waits for that.
      socket.write(body)
    }
  }

  async #sessionsThatSayMuch(count: number): Promise<void> {
    const name = 'n'.repeat(15_000)
    await Promise.all(Array.from({ length: count }, () => this.#initialize('clientInfo', name)))
  }

  async #listenStreams(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const uris = Array.from({ length: 100 }, (_, k) => `stress:///${'u'.repeat(4_000)}-${i}-${k}`)
      const params = { notifications: { resourceSubscriptions: uris }, _meta: modernMeta }
      const id = `${i}`.padEnd(256, 'i')
      this.#open('listen', {
        method: 'POST',
        path: '/mcp',
        headers: { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'subscriptions/listen' },
        body: { jsonrpc: '2.0', id, method: 'subscriptions/listen', params },
      })
    }
  }

  async #watches(count: number): Promise<void> {
    const session = await this.#initialize('watch')
    await Promise.all(
      Array.from({ length: count }, (_, i) =>
        this.#send(
          'watch',
          'resources/subscribe',
          { uri: `stress:///${i}${twoByte.repeat(8_000)}` },
          session,
        ),
      ),
    )
  }

  async #stalledMailboxes(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const path = `/mcp?client_id=${crypto.randomUUID()}`
      const stream = this.#open('mailbox', { method: 'GET', path: path.replace('/mcp', '/sse') })
      stream.stall()
      const _meta = { progressToken: 'p'.repeat(256) }
      for (let k = 0; k < 20; k++) {
        await this.#send(
          'mailbox',
          'tools/call',
          { name: 'say', arguments: { bytes: 500_000 }, _meta },
          { path },
        )
      }
    }
  }

  /** Messages that were read at once, and are kept for a return that does not come. */
  async #keptMail(count: number): Promise<void> {
    const session = await this.#initialize('kept')
    for (let i = 0; i < count; i++) {
      const _meta = { progressToken: i }
      await this.#send('kept', 'tools/call', { name: 'say', arguments: { bytes: 1_000_000 }, _meta }, session)
    }
  }

  async #unreadAnswers(count: number): Promise<void> {
    const body = {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'say', arguments: { bytes: 4_000_000 } },
    }
    for (let i = 0; i < count; i++) {
      const unread = request({
        host: '127.0.0.1',
        port: this.#port,
        method: 'POST',
        path: `/mcp?client_id=${crypto.randomUUID()}`,
        headers: { ...this.#headers, 'Content-Type': 'application/json' },
        agent: false,
      })
      unread.on('error', () => {})
      unread.on('socket', (socket) => this.#sockets.push(socket))
      unread.on('response', (response) => {
        response.on('error', () => {})
        this.#count('unread answer', response.statusCode!)
      })
      unread.end(JSON.stringify(body))
    }
  }

  /** Each is refused whatever room there is. */
  async #tooLong(): Promise<void> {
    const session = await this.#initialize('too long')
    const long = 'l'.repeat(3_900_000)
    await this.#initialize('too long', long)
    await this.#send('too long', 'resources/subscribe', { uri: `stress:///${long}` }, session)
    const _meta = { progressToken: long }
    await this.#send('too long', 'tools/call', { name: 'say', arguments: { bytes: 1 }, _meta }, session)
  }

  async #initialize(kind: string, name = 'hostile'): Promise<Session> {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name, version: '0' } }
    const { headers } = await this.#send(kind, 'initialize', params)
    return { headers: { 'Mcp-Session-Id': String(headers['mcp-session-id']) } }
  }

  async #send(kind: string, method: string, params: object, session: Session = {}): Promise<Answer> {
    const body = { jsonrpc: '2.0', id: ++this.#lastId, method, params }
    const answer = await post({
      port: this.#port,
      path: session.path ?? '/mcp',
      headers: { ...this.#headers, ...session.headers },
      body,
      agent: this.#agent,
    }).catch(() => undefined)
    this.#count(kind, answer?.status ?? 0)
    return answer ?? { status: 0, headers: {}, body: '' }
  }

  #open(kind: string, open: ConstructorParameters<typeof EventSocket>[1]): EventSocket {
    const stream = new EventSocket(
      this.#port,
      { ...open, headers: { ...this.#headers, ...open.headers } },
      { opened: (status) => this.#count(kind, status), closed: () => {}, event: () => {}, comment: () => {} },
    )
    this.#streams.push(stream)
    return stream
  }

  #count(kind: string, status: number): void {
    const statuses = this.#outcomes.get(kind) ?? new Map<number, number>()
    this.#outcomes.set(kind, statuses.set(status, (statuses.get(status) ?? 0) + 1))
  }
}

/** How a session is named in its requests. */
interface Session {
  path?: string
  headers?: Record<string, string>
}

const modernMeta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** A client that asks for little, again and again, and what came of it. */
class Honest {
  readonly statuses = new Map<number, number>()
  readonly #port: number
  #done = false
  #loop: Promise<void> | undefined

  constructor(port: number) {
    this.#port = port
  }

  begin(): void {
    this.#loop = this.#ask()
  }

  async end(): Promise<void> {
    this.#done = true
    await this.#loop
  }

  async #ask(): Promise<void> {
    const path = `/mcp?client_id=${crypto.randomUUID()}`
    for (let id = 1; !this.#done; id++) {
      const params = { name: 'echo', arguments: { value: id } }
      const body = { jsonrpc: '2.0', id, method: 'tools/call', params }
      const { status } = await post({ port: this.#port, path, headers: { Authorization: 'honest' }, body })
      this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

const shown = (statuses: Map<number, number>) =>
  [...statuses].map(([status, count]) => `${count} x ${status === 0 ? 'cut' : status}`).join(', ')

export const everythingAtOnce: Scenario = {
  name: 'everything-at-once',
  checks:
    `hostile clients that fill every kind of thing at once do not fill a heap of ${heapMiB} MiB, honest ones are served, ` +
    'and when the hostile have gone nothing is held for them',
  async run(stage) {
    const server = await stage.ownServer({ resumeWithinMs: 5_000, idleTimeoutMs: 5_000 }, { heapMiB })
    const outcomes: Outcomes = new Map()
    const hostile = Array.from(
      { length: stage.size(6, 4) },
      (_, i) => new Hostile(server.port, `hostile ${i}`, outcomes),
    )
    const honest = new Honest(server.port)
    honest.begin()
    // Three principals may have three quarters of what all may have; with the others it is all.
    await Promise.all(hostile.slice(0, 3).map((client) => client.fill()))
    await honest.end()
    const served = shown(honest.statuses)
    check(honest.statuses.size === 1 && honest.statuses.has(200), `an honest client was answered ${served}`)
    await Promise.all(hostile.slice(3).map((client) => client.fill()))
    const full = await server.tell('memory', undefined)
    const { limits, refused } = await server.health()
    const { used, max } = limits.bytes!
    check(full.heap < heapMiB * MiB, `the heap holds ${mebibytes(full.heap)}`)
    for (const client of hostile) client.leave()
    await until(
      async () => (await server.health()).limits.bytes!.used === 0,
      () => 'bytes are still counted',
      patienceMs,
    )
    const after = new Honest(server.port)
    after.begin()
    await new Promise((resolve) => setTimeout(resolve, 200))
    await after.end()
    check(after.statuses.size === 1 && after.statuses.has(200), `afterwards: ${shown(after.statuses)}`)
    return {
      'bytes counted, of': `${mebibytes(used)}, ${mebibytes(max ?? Infinity)}`,
      'heap and buffers, peak RSS': [full.heap, full.peakRss].map(mebibytes).join(', '),
      'honest calls': served,
      refused: Object.entries(refused)
        .map(([limit, count]) => `${limit} ${count}`)
        .join(', '),
      ...Object.fromEntries([...outcomes].map(([kind, statuses]) => [kind, shown(statuses)])),
    }
  },
}
