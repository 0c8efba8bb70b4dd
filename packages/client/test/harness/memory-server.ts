import type { JSONRPCRequest } from '@tidings/protocol'
import { Inbox } from '@tidings/testkit/inbox'

/** An event stream of a {@link MemoryServer}. */
export class MemoryStream {
  readonly response: Response
  /** Resolves when the reader has cancelled the body. */
  readonly cancelled: Promise<void>
  #controller!: ReadableStreamDefaultController<Uint8Array>

  constructor() {
    let cancel!: () => void
    this.cancelled = new Promise((resolve) => (cancel = resolve))
    const start = (controller: ReadableStreamDefaultController<Uint8Array>) =>
      void (this.#controller = controller)
    this.response = new Response(new ReadableStream({ start, cancel }), {
      headers: { 'content-type': 'text/event-stream' },
    })
  }

  message(message: object): void {
    const data = JSON.stringify({ jsonrpc: '2.0', ...message })
    this.#controller.enqueue(new TextEncoder().encode(`data: ${data}\n\n`))
  }

  end(): void {
    this.#controller.close()
  }
}

/** A server of Streamable HTTP without a socket: its `fetch` answers with web Responses. */
export class MemoryServer {
  readonly url = 'http://memory/mcp'
  /** The streams of the session. */
  readonly streams = new Inbox<MemoryStream>()
  /** The calls of tools, each with the stream of its response. */
  readonly calls = new Inbox<{ request: JSONRPCRequest; stream: MemoryStream; signal: AbortSignal }>()
  /** The HTTP method and the URL of each request, and the method of its message. */
  readonly requests: string[] = []

  readonly fetch: typeof fetch = async (input, init = {}) => {
    const { method = 'GET', body } = init
    const signal = init.signal as AbortSignal
    signal.throwIfAborted()
    const message = body ? (JSON.parse(body as string) as JSONRPCRequest) : undefined
    this.requests.push([method, input as URL, message?.method].join(' ').trimEnd())
    if (method === 'DELETE') return new Response(null, { status: 204 })
    if (!message) {
      const stream = new MemoryStream()
      this.streams.push(stream)
      return stream.response
    }
    return this.#post(message, signal)
  }

  #post(request: JSONRPCRequest, signal: AbortSignal): Response {
    const { id, method } = request
    if (id === undefined) return new Response(null, { status: 202 })
    if (method === 'server/discover') return new Response('No session', { status: 400 })
    if (method === 'tools/call') {
      const stream = new MemoryStream()
      this.calls.push({ request, stream, signal })
      return stream.response
    }
    const result =
      method === 'initialize'
        ? {
            protocolVersion: '2025-11-25',
            capabilities: { tools: { listChanged: true } },
            serverInfo: { name: 'memory', version: '1' },
          }
        : {}
    return Response.json({ jsonrpc: '2.0', id, result }, { headers: { 'mcp-session-id': 'memory' } })
  }
}
