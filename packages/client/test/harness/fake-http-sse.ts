import { FakeEndpoint, type FakePost, type Message, serverInfo } from './fake-endpoint.ts'
import type { FakeStream } from './fake-stream.ts'

/** A fake server of HTTP+SSE, revision 2024-11-05. A test can replace each step with a wrong one. */
export class FakeHttpSse extends FakeEndpoint {
  override path = '/sse'
  /** So a client sees that this is not Streamable HTTP. */
  override readonly streamPath = '/sse'
  capabilities: object = { resources: { subscribe: true }, tools: {}, logging: {} }
  protocolVersion: string | undefined
  #sessions = 0
  #newest: FakeStream | undefined
  #ids: number | undefined

  static async start(): Promise<FakeHttpSse> {
    const server = new FakeHttpSse()
    server.onGet = (stream) => server.newSession(stream)
    return server.listen()
  }

  /** From here on events have ids. */
  withIds(): this {
    this.#ids = 0
    return this
  }

  /** Opens the stream of a new session. Answers go there from here on. */
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

  /** Accepts a message and answers it on the newest stream. */
  answer({ response, message }: FakePost): void {
    response.writeHead(202).end()
    const answer = this.answerTo(message)
    if (answer) this.send(answer)
  }

  /** The answer to a message, from `answers` or the rules of the protocol. Undefined: no answer. */
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

  #nextId(): string | undefined {
    return this.#ids === undefined ? undefined : String(++this.#ids)
  }
}
