import type { JSONRPCRequest } from '@tidings/protocol'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Inbox } from '@tidings/testkit/inbox'
import { FakeStream } from './fake-stream.ts'

export type Message = Partial<JSONRPCRequest> & {
  params?: any
  result?: any
  error?: { code: number; message: string }
}

/** The results of a fake server by method, or an error as `{ error }`. Undefined: no answer. */
export type Answers = Record<string, (params: never) => object | undefined>

/** The name and version of every fake server. */
export const serverInfo = { name: 'fake', version: '1' }

/** One POST, with ways to answer it. */
export class FakePost {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly message: Message
  readonly closed: Promise<unknown>

  constructor(request: IncomingMessage, response: ServerResponse, message: Message) {
    this.request = request
    this.response = response
    this.message = message
    this.closed = once(response, 'close')
  }

  header(name: string): string | undefined {
    return this.request.headers[name.toLowerCase()] as string | undefined
  }

  /** Answers with a message of JSON, about this request. */
  json(message: object, { status = 200, headers = {} }: { status?: number; headers?: object } = {}): void {
    this.response.writeHead(status, { 'content-type': 'application/json', ...headers })
    this.response.end(JSON.stringify({ jsonrpc: '2.0', id: this.message.id, ...message }))
  }

  result(result: object, headers?: object): void {
    this.json({ result }, headers && { headers })
  }

  error(code: number, { status = 400, data }: { status?: number; data?: unknown } = {}): void {
    this.json({ error: { code, message: `error ${code}`, data } }, { status })
  }

  accepted(): void {
    this.response.writeHead(202).end()
  }

  /** Answers with an event stream. */
  stream(headers: Record<string, string> = {}): FakeStream {
    return new FakeStream(this.request, this.response).open(headers)
  }

  cut(): void {
    this.response.socket?.destroy()
  }
}

/** A fake MCP server. Subclasses answer like servers of one transport; a test can replace each answer. */
export abstract class FakeEndpoint {
  /** The path of its URL. */
  path = '/mcp'
  /** The path that takes no messages: a POST to it is answered with 405. */
  readonly streamPath: string | undefined
  readonly posts = new Inbox<FakePost>()
  readonly streams = new Inbox<FakeStream>()
  readonly deletes = new Inbox<IncomingMessage>()
  /** The streams that are open. */
  readonly open = new Set<FakeStream>()
  /** Handles a POST. Default: `answer`. */
  onPost: (post: FakePost) => void = (post) => this.answer(post)
  /** Handles a GET. Default: 405. */
  onGet: (stream: FakeStream) => void = (stream) => void stream.response.writeHead(405).end()
  answers: Answers = {}
  readonly #server: Server

  protected constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  /** Answers like a server of this transport. */
  abstract answer(post: FakePost): void

  async listen(port = 0): Promise<this> {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get url(): string {
    return this.origin + this.path
  }

  /** From here on the test answers these methods. */
  hold(...methods: string[]): this {
    for (const method of methods) this.answers[method] = () => undefined
    return this
  }

  /** Waits for the next POST of a method. */
  post(method: string): Promise<FakePost> {
    return this.posts.next(({ message }) => message.method === method)
  }

  /** The methods of all messages, in order. */
  get methods(): (string | undefined)[] {
    return this.posts.all.map(({ message }) => message.method)
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
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
    if (request.url === this.streamPath) return void response.writeHead(405).end()
    const post = new FakePost(request, response, JSON.parse(await text(request)) as Message)
    this.onPost(post)
    this.posts.push(post)
  }
}
