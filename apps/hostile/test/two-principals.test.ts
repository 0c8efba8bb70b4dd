import fc from 'fast-check'
import { exchange } from './exchange.ts'
import { messageFor, openSession, type RawSession, type TransportName, transports } from './raw-session.ts'
import { inputsOf } from './runs.ts'
import { type ServerProcess, startServer } from './server-process.ts'

// Two principals use the same transports, the same ids, and each other's session ids. What one says, the other never hears; what
// one has, the other can neither use nor end.

const people = ['alice', 'bob'] as const
type Person = (typeof people)[number]
const otherThan = (who: Person): Person => (who === 'alice' ? 'bob' : 'alice')

class Use {
  readonly who: Person
  readonly transport: TransportName
  readonly session: RawSession
  #lastId = 0
  #lastSecret = 0
  /** All that came in responses. What came on the stream, the stream has. */
  #heard = ''

  constructor(who: Person, transport: TransportName, session: RawSession) {
    this.who = who
    this.transport = transport
    this.session = session
  }

  /** What the other must never hear. */
  secret(): string {
    return `${this.who}-secret-${++this.#lastSecret}`
  }

  get heard(): string {
    return this.#heard + (this.session.stream?.events.map(({ data }) => data).join('\n') ?? '')
  }

  /** Sends a message to a session, with the token of this person. */
  async send(message: Record<string, unknown>, to: RawSession = this.session) {
    const whole = messageFor(this.transport, { jsonrpc: '2.0', ...message })
    const { method, params } = whole as { method?: string; params?: { name?: string } }
    const headers = {
      ...to.headers,
      Authorization: this.session.headers['Authorization']!,
      'Content-Type': 'application/json',
      ...(this.transport === 'stateless' && { 'Mcp-Method': method!, 'Mcp-Name': params?.name ?? '' }),
    }
    const { status, text } = await exchange(to.url, {
      headers: Object.entries(headers).flat(),
      body: JSON.stringify(whole),
    })
    this.#heard += text
    return { status, text }
  }

  /** Calls a tool, and returns the answer, wherever it comes. */
  async call(name: string, args: object, more: object = {}): Promise<any> {
    const id = ++this.#lastId
    const { status, text } = await this.send({
      id,
      method: 'tools/call',
      params: { name, arguments: args, ...more },
    })
    if (status === 202) return this.#told((message) => message.id === id && message.method === undefined)
    return JSON.parse(text.startsWith('{') ? text : /^data: (\{.*)$/m.exec(text)![1]!)
  }

  async #told(isMeant: (message: any) => boolean): Promise<any> {
    const { stream } = this.session
    const find = () =>
      stream!.events
        .flatMap(({ event, data }) => (event === 'endpoint' || data === '' ? [] : [JSON.parse(data)]))
        .findLast(isMeant)
    await stream!.until(() => find() !== undefined, `what ${this.who} waits for`)
    return find()
  }

  /** A tool that asks: the question is answered, after the other has tried to. */
  async ask(intruder: Use): Promise<void> {
    const answer = this.secret()
    const result = { action: 'accept', content: { name: answer } }
    if (this.transport === 'stateless') {
      const { result: asked } = await this.call('ask', {})
      const again = {
        inputResponses: { [Object.keys(asked.inputRequests)[0]!]: result },
        requestState: asked.requestState,
      }
      expect((await intruder.call('ask', {}, again)).error.code).toBe(-32602)
      expect((await this.call('ask', {}, again)).result.structuredContent.content.name).toBe(answer)
      return
    }
    const id = this.#lastId + 1
    const answered = this.call('ask', {})
    answered.catch(() => {})
    const question = await this.#told(
      ({ method, id: asked }) => method === 'elicitation/create' && !this.#answered.has(asked),
    )
    this.#answered.add(question.id)
    const forged = { action: 'accept', content: { name: intruder.secret() } }
    expect((await intruder.send({ id: question.id, result: forged }, this.session)).status).toBe(403)
    await intruder.send({ id: question.id, result: forged })
    await intruder.send({ method: 'notifications/cancelled', params: { requestId: id } })
    expect((await this.send({ id: question.id, result })).status).toBe(202)
    const { result: done } = await answered
    expect(done.structuredContent.content.name).toBe(answer)
  }

  readonly #answered = new Set<unknown>()
}

const step = fc.record({
  who: fc.constantFrom(...people),
  transport: fc.constantFrom(...transports),
  action: fc.constantFrom(
    'echo',
    'whoami',
    'ask',
    'watch',
    'call theirs',
    'end theirs',
    'read theirs',
    'cancel theirs',
  ),
})
const { inputs, timeoutMs } = inputsOf(0.02)
const stepsOfRun = 50

test(
  `two principals who do ${inputs} things at random never meet`,
  async () => {
    const runs = fc.array(step, { minLength: stepsOfRun, maxLength: stepsOfRun })
    const server = await startServer()
    await fc.assert(
      fc.asyncProperty(runs, (steps) => run(server, steps)),
      { numRuns: Math.ceil(inputs / stepsOfRun), endOnFailure: true },
    )
    expect([server.exit, server.stderr]).toEqual([undefined, ''])
  },
  timeoutMs,
)

async function run(server: ServerProcess, steps: (typeof step extends fc.Arbitrary<infer S> ? S : never)[]) {
  const uses = new Map<string, Use>()
  for (const who of people) {
    for (const transport of transports)
      uses.set(`${who} ${transport}`, new Use(who, transport, await openSession(server.url, transport, who)))
  }
  // All that one person does over one transport comes in order; the rest is under way at once.
  const lanes = new Map<Use, Promise<void>>()
  for (const { who, transport, action } of steps) {
    const mine = uses.get(`${who} ${transport}`)!
    const theirs = uses.get(`${otherThan(who)} ${transport}`)!
    const before = action === 'ask' ? [mine, theirs] : [mine]
    const lane = Promise.all(before.map((use) => lanes.get(use) ?? Promise.resolve())).then(() =>
      take(server, action, mine, theirs),
    )
    // The first failure is told when all are over.
    lane.catch(() => {})
    for (const use of before) lanes.set(use, lane)
  }
  await Promise.all(lanes.values())
  for (const use of uses.values()) {
    expect(use.heard).not.toContain(`${otherThan(use.who)}-secret`)
    use.session.stream?.cut()
  }
}

async function take(server: ServerProcess, action: string, mine: Use, theirs: Use): Promise<void> {
  const { transport } = mine
  const { session } = theirs
  switch (action) {
    case 'echo': {
      const value = mine.secret()
      const answer = await mine.call('echo', { value }, { _meta: { progressToken: mine.secret() } })
      expect(answer.result.structuredContent).toEqual({ value })
      return
    }
    case 'whoami':
      expect((await mine.call('whoami', {})).result.structuredContent).toEqual({ principal: mine.who })
      return
    case 'ask':
      return transport === 'streamable-http' ? undefined : mine.ask(theirs)
    case 'watch':
      if (transport !== 'stateless')
        await mine.send({
          id: mine.secret(),
          method: 'resources/subscribe',
          params: { uri: 'hostile://fixed' },
        })
      server.changed('hostile://fixed')
      return
  }
  if (transport === 'stateless') return
  const headers = { ...session.headers, Authorization: mine.session.headers['Authorization']! }
  if (action === 'call theirs') {
    const params = { name: 'echo', arguments: { value: mine.secret() } }
    expect((await mine.send({ id: 1, method: 'tools/call', params }, session)).status).toBe(403)
  } else if (action === 'cancel theirs') {
    const params = { requestId: 1 }
    expect((await mine.send({ method: 'notifications/cancelled', params }, session)).status).toBe(403)
  } else if (action === 'end theirs') {
    const { status } = await exchange(session.url, {
      method: 'DELETE',
      headers: Object.entries(headers).flat(),
    })
    expect(status).toBe(403)
  } else if (transport === 'streamable-http') {
    const last = session.stream!.events.findLast(({ id }) => id !== undefined)?.id
    const reading = {
      ...headers,
      Accept: 'text/event-stream',
      ...(last !== undefined && { 'Last-Event-ID': last }),
    }
    const { status } = await exchange(session.url, { method: 'GET', headers: Object.entries(reading).flat() })
    expect(status).toBe(403)
  }
}
