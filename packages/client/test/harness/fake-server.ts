import type { JSONRPCMessage, JSONRPCRequest } from '@tidings/protocol'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Inbox } from '@tidings/testkit/inbox'

type Message = Partial<JSONRPCRequest> & { result?: unknown; error?: { code: number; message: string } }

/** One event stream, from the server's side. */
export class FakeStream {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly closed: Promise<unknown>

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request
    this.response = response
    this.closed = once(response, 'close')
  }

  get lastEventId(): string | undefined {
    return this.request.headers['last-event-id'] as string | undefined
  }

  /** Opens it as an event stream. */
  open(headers: Record<string, string> = {}): this {
    this.response.writeHead(200, { 'content-type': 'text/event-stream', ...headers })
    this.response.flushHeaders()
    return this
  }

  raw(bytes: string | Uint8Array): void {
    // As with a server that has ended it: what it would still say is not heard.
    if (!this.response.writableEnded) this.response.write(bytes)
  }

  event(type: string, data: string, id?: string): void {
    this.raw(`event: ${type}\n${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`)
  }

  endpoint(path: string, id?: string): void {
    this.event('endpoint', path, id)
  }

  message(message: object, id?: string): void {
    this.event('message', JSON.stringify({ jsonrpc: '2.0', ...message }), id)
  }

  /** Cuts the connection, as a network does. */
  cut(): void {
    this.response.socket?.destroy()
  }

  end(): void {
    this.response.end()
  }
}

/** One POST that came. */
export interface Post {
  request: IncomingMessage
  response: ServerResponse
  message: Message
}

/** What the fake answers, by method. Undefined: nothing. */
export type Answers = Record<string, (params: never) => object | undefined>

/** What a fake server says it is. */
export const serverInfo = { name: 'fake', version: '1' }

/**
 * An MCP server over HTTP+SSE, made by hand, that does as each test says: every step can be replaced by one that is
 * wrong.
 */
export class FakeServer {
  readonly streams = new Inbox<FakeStream>()
  readonly posts = new Inbox<Post>()
  readonly deletes = new Inbox<IncomingMessage>()
  readonly open = new Set<FakeStream>()
  /** What a GET gets. By default: the event stream of a new session. */
  onGet: (stream: FakeStream) => void = (stream) => this.newSession(stream)
  /** What a POST gets. By default 202, and the answer on the newest stream. */
  onPost: (post: Post) => void = (post) => this.answer(post)
  capabilities: object = { resources: { subscribe: true }, tools: {}, logging: {} }
  protocolVersion: string | undefined
  answers: Answers = {}
  #sessions = 0
  #newest: FakeStream | undefined
  #ids: number | undefined
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  static async start(): Promise<FakeServer> {
    const fake = new FakeServer()
    await fake.listen()
    return fake
  }

  async listen(port = 0): Promise<void> {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get url(): string {
    return `${this.origin}/sse`
  }

  /** From here on events have ids. */
  withIds(): this {
    this.#ids = 0
    return this
  }

  /** Opens the stream of a new session, which is where answers go from here on. */
  newSession(stream: FakeStream): void {
    this.#newest = stream.open()
    stream.endpoint(`/messages?sessionId=${++this.#sessions}`, this.#nextId())
  }

  /** Opens a stream that goes on with the newest session. */
  resume(stream: FakeStream, headers: Record<string, string> = {}): void {
    this.#newest = stream.open(headers)
    stream.endpoint(`/messages?sessionId=${this.#sessions}`, this.#nextId())
  }

  /** Sends on the newest stream. */
  send(message: object): void {
    this.#newest?.message(message, this.#nextId())
  }

  /** Takes a message, and answers it on the newest stream. */
  answer({ response, message }: Post): void {
    response.writeHead(202).end()
    const answer = this.answerTo(message)
    if (answer) this.send(answer)
  }

  /** What a message is answered with: by `answers`, by the handshake's own rules, or not at all. */
  answerTo({ id, method, params }: Message): object | undefined {
    if (id === undefined || method === undefined) return undefined
    const given = this.answers[method]
    if (given) {
      const answer = given(params as never)
      return answer && { id, ...('error' in answer ? answer : { result: answer }) }
    }
    if (method === 'initialize') {
      const { protocolVersion } = params as unknown as { protocolVersion: string }
      const { capabilities } = this
      return {
        id,
        result: { protocolVersion: this.protocolVersion ?? protocolVersion, capabilities, serverInfo },
      }
    }
    if (['ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe'].includes(method)) {
      return { id, result: {} }
    }
    return { id, error: { code: -32601, message: `Method not found: ${method}` } }
  }

  /** The next POST of a method. */
  post(method: string): Promise<Post> {
    return this.posts.next(({ message }) => message.method === method)
  }

  /** The methods of all that was posted, in order. */
  get methods(): (string | undefined)[] {
    return this.posts.all.map(({ message }) => message.method)
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  #nextId(): string | undefined {
    return this.#ids === undefined ? undefined : String(++this.#ids)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'DELETE') {
      response.writeHead(204).end()
      return this.deletes.push(request)
    }
    if (request.method === 'GET') {
      const stream = new FakeStream(request, response)
      this.open.add(stream)
      void stream.closed.then(() => this.open.delete(stream))
      this.onGet(stream)
      return this.streams.push(stream)
    }
    // The stream's URL is not one for messages: so a client sees that this is not Streamable HTTP.
    if (request.url === '/sse') return void response.writeHead(405).end()
    const post = { request, response, message: JSON.parse(await text(request)) as Message }
    this.onPost(post)
    this.posts.push(post)
  }
}

export type { JSONRPCMessage }
