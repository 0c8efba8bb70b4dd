import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import { defer } from '@tidings/testkit/disposers'
import { SseStream } from '@tidings/testkit/sse-stream'
import { until } from '@tidings/testkit/until'
import { modernBody, modernHeaders } from './modern.ts'

/** A way for requests to come in, and for their answers to go out. */
export interface Way {
  transport: 'http+sse' | 'paired' | 'streamable-http' | 'stateless'
  revision: string
  accept: string
  /** Whether there is a session whose stream is open. */
  session: 'none' | 'without stream' | 'with stream'
  /** Whether requests come in batches. */
  batch: boolean
}

const both = 'application/json, text/event-stream'
const forms = [both, 'application/json', 'text/event-stream']

export const ways: Way[] = [
  ...['2024-11-05', '2025-03-26'].map((revision): Way => {
    const batch = revision === '2025-03-26'
    return { transport: 'http+sse', revision, accept: both, session: 'with stream', batch }
  }),
  ...(['without stream', 'with stream'] as const).flatMap((session): Way[] => [
    { transport: 'paired', revision: '2025-11-25', accept: both, session, batch: false },
    { transport: 'paired', revision: '2025-03-26', accept: both, session, batch: true },
  ]),
  ...['2025-03-26', '2025-06-18', '2025-11-25'].flatMap((revision) =>
    forms.flatMap((accept) =>
      (['none', 'without stream', 'with stream'] as const).map((session): Way => {
        return { transport: 'streamable-http', revision, accept, session, batch: revision === '2025-03-26' }
      }),
    ),
  ),
  ...forms.map((accept): Way => {
    return { transport: 'stateless', revision: '2026-07-28', accept, session: 'none', batch: false }
  }),
]

export const nameOfWay = ({ transport, revision, accept, session }: Way) =>
  `${transport} ${revision}, session ${session}, accepts ${accept}`

export interface Call {
  id: string
  method: string
  params: { _meta: Record<string, unknown> } & Record<string, unknown>
}

const capabilities = { elicitation: {}, sampling: {}, roots: {} }
const agent = new Agent({ keepAlive: true })

/** A client that makes requests in one way, and keeps whatever comes. */
export class AnyClient {
  /** All responses, in order. */
  responses: any[] = []
  /** Answers a question; undefined leaves it without an answer. */
  answer: (question: any) => object | undefined = () => undefined
  readonly way: Way
  readonly #url: string
  readonly #headers: Record<string, string>
  #path = '/mcp'
  #exchanges = new Set<ClientRequest>()
  #wanted = true

  private constructor(url: string, way: Way) {
    this.way = way
    this.#url = url
    this.#headers = { 'Content-Type': 'application/json', Accept: way.accept }
  }

  static async open(url: string, way: Way): Promise<AnyClient> {
    const client = new AnyClient(url, way)
    const { transport, session, revision } = way
    if (transport === 'http+sse') {
      await client.#listen('/sse')
      await until(() => client.#path !== '/mcp', 'the endpoint')
    }
    if (transport === 'paired') client.#path = `/mcp?client_id=${randomUUID()}`
    if (session === 'none') return client
    const clientInfo = { name: 'any', version: '1' }
    const params = { protocolVersion: revision, capabilities, clientInfo }
    const initialize = { jsonrpc: '2.0', id: 'initialize', method: 'initialize', params }
    const { headers } = await client.#exchange(initialize)
    await until(() => client.responses.length === 1, 'the answer to initialize')
    if (transport === 'streamable-http') client.#headers['Mcp-Session-Id'] = String(headers['mcp-session-id'])
    if (session === 'with stream' && transport !== 'http+sse')
      await client.#listen(client.#path.replace('/mcp?', '/sse?'))
    return client
  }

  /** Makes requests at once: in a batch, where there are batches. Resolves when their HTTP responses are over. */
  async call(calls: Call[]): Promise<void> {
    this.responses = []
    this.#wanted = true
    const messages = calls.map((call) => ({ jsonrpc: '2.0', ...call }))
    if (this.way.batch && messages.length > 1) await this.#exchange(messages)
    else await Promise.all(messages.map((message) => this.#exchange(message)))
  }

  /** Resolves when all that was sent has arrived. */
  async settled(ids: string[], wanted: boolean): Promise<void> {
    if (this.way.transport !== 'http+sse') return
    const answered = () => ids.every((id) => this.responses.some((response) => response.id === id))
    if (wanted) await until(answered, () => `no answer among ${JSON.stringify(this.responses)}`)
    const id = randomUUID()
    await this.#exchange({ jsonrpc: '2.0', id, method: 'ping' })
    await until(() => this.responses.some((response) => response.id === id), 'the answer to a ping')
    this.responses = this.responses.filter((response) => response.id !== id)
  }

  /** Wants no answer any more. */
  async cancel(ids: string[]): Promise<void> {
    this.#wanted = false
    if (this.way.session === 'none' || this.way.transport === 'paired') {
      for (const request of this.#exchanges) request.destroy()
      return
    }
    for (const requestId of ids) await this.#notify('notifications/cancelled', { requestId })
  }

  async #notify(method: string, params: object): Promise<void> {
    await this.#exchange({ jsonrpc: '2.0', method, params }, false)
  }

  /** POSTs a message, and takes in what comes as the response. */
  async #exchange(body: any, mayBeCut = true): Promise<Pick<IncomingMessage, 'headers'>> {
    const isModern = this.way.transport === 'stateless'
    const headers = {
      ...this.#headers,
      ...(isModern && modernHeaders({ ...body, headers: { Accept: this.way.accept } })),
    }
    const { _meta: meta, ...params } = body.params ?? {}
    const sent = isModern ? modernBody({ ...body, params, capabilities, meta }) : body
    const request = httpRequest(`${this.#url}${this.#path}`, { method: 'POST', headers, agent })
    if (mayBeCut) this.#exchanges.add(request)
    request.end(JSON.stringify(sent))
    try {
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      const lastEventId = await this.#take(response)
      if (lastEventId !== undefined) await this.#comeBack([body].flat(), lastEventId)
      return response
    } catch (error) {
      if (!request.destroyed) throw error
      return { headers: {} }
    } finally {
      this.#exchanges.delete(request)
    }
  }

  /** Comes back for the answers when the server has ended their stream before they were there. */
  async #comeBack(messages: any[], lastEventId: string): Promise<void> {
    const isMissing = ({ id }: any) => !this.responses.some((response) => response.id === id)
    for (let at: string | undefined = lastEventId; this.#wanted && messages.some(isMissing);) {
      const response = await this.#get(this.#path, { 'Last-Event-ID': at })
      if (response.statusCode !== 200) throw new Error(`Coming back was answered ${response.statusCode}`)
      at = (await this.#take(response)) ?? at
      await setImmediate()
    }
  }

  /** Resolves to the id of the last event, when the response is over. */
  async #take(response: IncomingMessage): Promise<string | undefined> {
    if (response.headers['content-type'] === 'text/event-stream') {
      let lastEventId: string | undefined
      this.#read(response, (id) => (lastEventId = id))
      await new Promise((resolve) => response.once('close', resolve))
      return lastEventId
    }
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (more: string) => (text += more))
    response.on('error', () => {})
    await new Promise((resolve) => response.once('close', resolve))
    if (text !== '' && response.complete)
      for (const message of [JSON.parse(text)].flat()) this.#message(message)
    return undefined
  }

  #read(response: IncomingMessage, id?: (id: string) => void): SseStream {
    return new SseStream(response, {
      ...(id && { id }),
      event: ({ event, data }) => {
        if (event === 'endpoint') this.#path = data
        else if (data !== '') for (const message of [JSON.parse(data)].flat()) this.#message(message)
      },
    })
  }

  #message(message: any): void {
    if (message.method === undefined) this.responses.push(message)
    if (message.method === undefined || message.id === undefined) return
    const answer = this.answer(message)
    if (answer !== undefined) void this.#exchange({ jsonrpc: '2.0', id: message.id, ...answer }, false)
  }

  async #listen(path: string): Promise<void> {
    const response = await this.#get(path)
    if (response.statusCode !== 200) throw new Error(`GET ${path} was answered ${response.statusCode}`)
    defer(this.#read(response), (stream) => stream.cut())
  }

  async #get(path: string, more: Record<string, string> = {}): Promise<IncomingMessage> {
    const headers = { ...this.#headers, Accept: 'text/event-stream', ...more }
    const request = httpRequest(`${this.#url}${path}`, { headers })
    request.end()
    return ((await once(request, 'response')) as [IncomingMessage])[0]
  }
}
