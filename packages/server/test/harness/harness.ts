import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import {
  type Logger,
  McpServer,
  type McpServerOptions,
  serve,
  type ServeOptions,
  type Serving,
} from '../../src/index.ts'

const disposers = new Map<unknown, () => unknown>()

/** What a test opened is closed after it, last first. */
export function defer<T>(thing: T, dispose: (thing: T) => unknown): T {
  disposers.set(thing, () => dispose(thing))
  return thing
}

afterEach(async () => {
  for (const [thing, dispose] of [...disposers].reverse()) {
    disposers.delete(thing)
    await dispose()
  }
})

/** A server with nothing on it yet, served on a free port. */
export async function start(
  register: (server: McpServer) => void = () => {},
  options: ServeOptions = {},
  serverOptions: McpServerOptions = {},
): Promise<Serving & { server: McpServer }> {
  const server = new McpServer(
    { name: 'test', version: '1.2.3' },
    { ...(options.logger && { logger: options.logger }), ...serverOptions },
  )
  register(server)
  const serving = await serve(server, options)
  defer(serving, () => serving.close({ deadlineMs: 0 }))
  return Object.assign(serving, { server })
}

/** A logger that keeps what it is told. */
export class Log implements Logger {
  readonly entries: { level: keyof Logger; fields: any; message: string }[] = []
  readonly debug = this.#at('debug')
  readonly info = this.#at('info')
  readonly warn = this.#at('warn')
  readonly error = this.#at('error')

  get errors(): any[] {
    return this.entries.filter(({ level }) => level === 'error').map(({ fields }) => fields.err)
  }

  #at(level: keyof Logger) {
    return (fields: object, message: string) => void this.entries.push({ level, fields, message })
  }
}

/** A promise, and what resolves it. */
export function deferred<T = void>() {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((res) => (resolve = res))
  return { promise, resolve }
}

/** One event of a stream, as it was parsed. */
export type Event = EventSourceMessage

/** An open stream: raw, so that a test can stall it and cut it as a network would. */
export class Reader {
  readonly response: IncomingMessage
  readonly events: Event[] = []
  readonly comments: string[] = []
  retryMs: number | undefined
  #taken = 0
  #wake: () => void = () => {}
  closed = false

  constructor(response: IncomingMessage) {
    this.response = response
    const parser = createParser({
      onEvent: (event) => this.events.push(event),
      onComment: (comment) => this.comments.push(comment),
      onRetry: (ms) => (this.retryMs = ms),
    })
    response.setEncoding('utf8')
    response.on('data', (text: string) => {
      parser.feed(text)
      this.#wake()
    })
    response.on('error', () => {})
    response.on('close', () => {
      disposers.delete(this)
      this.closed = true
      this.#wake()
    })
  }

  get lastEventId(): string {
    return this.events.findLast(({ id }) => id !== undefined)?.id ?? ''
  }

  /** Resolves when the condition holds; looks again whenever something arrives. */
  async until(condition: () => boolean, what = 'condition'): Promise<void> {
    const deadline = Date.now() + 10_000
    while (!condition()) {
      if (this.closed) throw new Error(`The stream closed while waiting for ${what}`)
      if (Date.now() > deadline)
        throw new Error(`Timed out waiting for ${what}; got ${JSON.stringify(this.events)}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_000)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  /** The next event that has not been taken yet. */
  async next(): Promise<Event> {
    await this.until(() => this.events.length > this.#taken, 'the next event')
    return this.events[this.#taken++]!
  }

  /** The next message, parsed. */
  async message(): Promise<any> {
    return JSON.parse((await this.next()).data)
  }

  async untilClosed(): Promise<void> {
    if (!this.closed) await once(this.response, 'close')
  }

  /** Stops reading: the socket fills up. */
  stall(): void {
    this.response.pause()
  }

  goOn(): void {
    this.response.resume()
  }

  /** Gone, without a goodbye. */
  cut(): void {
    this.response.destroy()
  }
}

/** Opens a stream with a bare HTTP request. */
export async function read(url: string, headers: Record<string, string> = {}): Promise<Reader> {
  const request = httpRequest(url, { headers: { Accept: 'text/event-stream', ...headers }, agent: false })
  request.end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`GET ${url} was answered ${response.statusCode}`)
  return defer(new Reader(response), (reader) => reader.cut())
}

/** POSTs a JSON-RPC message. */
export function post(url: string, message: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const body = typeof message === 'string' ? message : JSON.stringify(message)
  return fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body })
}

/** A client of HTTP+SSE that has said hello, and no more than that: a stream, and a way to send. */
export class RawClient {
  readonly reader: Reader
  readonly endpoint: string
  #lastId = 0

  constructor(reader: Reader, endpoint: string) {
    this.reader = reader
    this.endpoint = endpoint
  }

  send(message: object): Promise<Response> {
    return post(this.endpoint, { jsonrpc: '2.0', ...message })
  }

  /** Sends a request and waits for its answer; other messages stay for `reader.message()`. */
  async request(method: string, params?: object): Promise<any> {
    const id = ++this.#lastId
    const { status } = await this.send({ id, method, ...(params && { params }) })
    if (status !== 202) throw new Error(`${method} was answered ${status}`)
    return this.answer(id)
  }

  async answer(id: string | number): Promise<any> {
    const find = () =>
      this.reader.events
        .map(({ data, event }) => (event === 'message' ? JSON.parse(data) : {}))
        .find((message) => message.id === id && !message.method)
    await this.reader.until(() => find() !== undefined, `the answer ${id}`)
    return find()
  }

  get messages(): any[] {
    return this.reader.events.filter(({ event }) => event === 'message').map(({ data }) => JSON.parse(data))
  }
}

/** Opens a session over HTTP+SSE and initializes it. */
export async function connectRaw(
  url: string,
  {
    capabilities = {},
    protocolVersion = '2024-11-05',
    headers = {},
  }: { capabilities?: object; protocolVersion?: string; headers?: Record<string, string> } = {},
): Promise<RawClient> {
  const reader = await read(`${url}/sse`, headers)
  const { data } = await reader.next()
  const client = new RawClient(reader, new URL(data, url).href)
  await client.request('initialize', {
    protocolVersion,
    capabilities,
    clientInfo: { name: 'raw', version: '0' },
  })
  await client.send({ method: 'notifications/initialized' })
  return client
}

/** How much the heap holds when everything that can be collected is. */
export async function heapUsed(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let i = 0; i < 3; i++) {
    collect()
    await new Promise(setImmediate)
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
