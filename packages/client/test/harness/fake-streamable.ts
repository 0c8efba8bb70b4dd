import { FakeEndpoint, type FakePost, serverInfo } from './fake-endpoint.ts'
import type { FakeStream } from './fake-stream.ts'

/** A server of Streamable HTTP, as it is in revisions 2025-03-26 to 2025-11-25. */
export class FakeStreamable extends FakeEndpoint {
  /** Whether it keeps sessions. */
  sessions = true
  capabilities: object = { resources: { subscribe: true }, tools: { listChanged: true }, logging: {} }
  protocolVersion = '2025-11-25'
  /** The newest stream of a session. */
  newest: FakeStream | undefined
  /** How many sessions there have been. */
  begun = 0
  readonly #gone = new Set<string>()

  static async start(): Promise<FakeStreamable> {
    return new FakeStreamable().listen()
  }

  /** From here on a GET opens the stream of its session. */
  withStream(): this {
    this.onGet = (stream) => {
      if (this.isGone(stream.request.headers['mcp-session-id'])) {
        stream.response.writeHead(404).end()
        return
      }
      this.newest = stream.open()
      stream.raw('retry: 100\n\n')
    }
    return this
  }

  /** Ends all sessions. */
  forget(): void {
    for (let i = 1; i <= this.begun; i++) this.#gone.add(`session-${i}`)
  }

  isGone(id: unknown): boolean {
    return this.#gone.has(String(id))
  }

  answer(post: FakePost): void {
    const { id, method = '', params } = post.message
    if (this.isGone(post.header('mcp-session-id'))) return void post.response.writeHead(404).end()
    if (id === undefined || method === '') return post.accepted()
    const given = this.answers[method]
    if (given) {
      const answer = given(params as never)
      if (!answer) return
      return post.json('error' in answer ? answer : { result: answer })
    }
    if (method === 'initialize') {
      const { capabilities, protocolVersion } = this
      const headers = this.sessions ? { 'Mcp-Session-Id': `session-${++this.begun}` } : {}
      return post.result({ protocolVersion, capabilities, serverInfo }, headers)
    }
    if (['ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe'].includes(method)) {
      return post.result({})
    }
    // As of a server that was never told of the modern era.
    if (method === 'server/discover') return void post.response.writeHead(400).end('Bad Request: no session')
    post.json({ error: { code: -32601, message: `Method not found: ${method}` } })
  }
}
