import { type JsonBounds, parseJson } from '@tidings/protocol'
import type { MessageStream } from '../changes/message-stream.ts'
import { internalsOf } from '../internals.ts'
import type { Principal } from '../requests/principal.ts'
import type { CloseOptions, McpServer } from '../server.ts'
import { Mount } from './mount.ts'
import { type MountOptions, resolveMountOptions } from './options.ts'
import type { EventStreams, StreamSink } from './outgoing/event-stream.ts'
import { answerWithoutSocket } from './transports/answer-without-socket.ts'
import { TransportRequest } from './transports/transport-request.ts'
import type { TransportResponse } from './transports/transport-response.ts'

/** Options of `memoryTransport()`. */
export interface MemoryTransportOptions extends MountOptions {
  /** The caller of all requests. Default: anonymous. */
  principal?: string
}

/** A way from a client to a server in the same process, without a socket. */
export interface MemoryTransport {
  /** The address to give to `connect()`: `http://memory/mcp`. */
  readonly url: string
  /** Takes the requests of the client. */
  readonly fetch: typeof fetch
  /** Closes this way. The server stays open. */
  close(options?: CloseOptions): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Wires a client to a server without a socket, for the tests of an application. The client and the server behave as over HTTP,
 * sessions, streams and resuming included.
 *
 * @throws {TypeError} when an option has a value it cannot have.
 * @example const client = await connect(memoryTransport(server))
 */
export function memoryTransport(server: McpServer, options: MemoryTransportOptions = {}): MemoryTransport {
  const internals = internalsOf(server)
  const mount = new Mount(internals, resolveMountOptions(options, internals.logger))
  const close = ({ deadlineMs = 5_000 }: CloseOptions = {}) => mount.close(deadlineMs)
  return {
    url: `http://memory${mount.options.paths.mcp}`,
    async fetch(input, init) {
      const request = new Request(input, init)
      request.signal.throwIfAborted()
      if (!mount.hasJoined) await mount.whenJoined()
      return serveInMemory(mount, request, options.principal)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function serveInMemory(mount: Mount, request: Request, principal: Principal): Promise<Response> {
  const text = await request.text()
  return new Promise((resolve, reject) => {
    const response = new MemoryResponse(mount.streams, resolve)
    request.signal.addEventListener('abort', () => {
      response.cut()
      reject(request.signal.reason as Error)
    })
    const inMemory = new MemoryRequest(request, text, principal, mount.options.bodyBounds)
    void answerWithoutSocket(mount.routes, inMemory, response, mount.logger)
  })
}

class MemoryRequest extends TransportRequest {
  readonly method: string
  readonly path: string
  readonly querystring: string
  readonly prefix = ''
  readonly #request: Request
  readonly #text: string
  readonly #principal: Principal
  readonly #bounds: JsonBounds

  constructor(request: Request, text: string, principal: Principal, bounds: JsonBounds) {
    super()
    const { pathname, search } = new URL(request.url)
    this.method = request.method
    this.path = pathname
    this.querystring = search.slice(1)
    this.#request = request
    this.#text = text
    this.#principal = principal
    this.#bounds = bounds
  }

  header(name: string): string | undefined {
    return this.#request.headers.get(name) ?? undefined
  }

  readPrincipal(): Principal {
    return this.#principal
  }

  readBody(): unknown {
    return parseJson(this.#text, this.#bounds)
  }
}

class MemoryResponse implements TransportResponse, StreamSink {
  readonly #streams: EventStreams
  readonly #resolve: (response: Response) => void
  readonly #headers = new Headers()
  #begun = false
  #closed = false
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  #onDrained: (() => void) | undefined
  #onClosed: (() => void)[] = []

  constructor(streams: EventStreams, resolve: (response: Response) => void) {
    this.#streams = streams
    this.#resolve = resolve
  }

  get begun(): boolean {
    return this.#begun
  }

  get closed(): boolean {
    return this.#closed
  }

  set(name: string, value: string): void {
    this.#headers.set(name, value)
  }

  json(text: string, status = 200): void {
    this.#headers.set('Content-Type', 'application/json; charset=utf-8')
    this.#answer(text, status)
  }

  empty(status: number, contentType?: string): void {
    if (contentType !== undefined) this.#headers.set('Content-Type', contentType)
    this.#answer(null, status)
  }

  stream(principal: Principal): MessageStream {
    this.#headers.set('Content-Type', 'text/event-stream')
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: () => {
          const onDrained = this.#onDrained
          this.#onDrained = undefined
          onDrained?.()
        },
        cancel: () => this.#close(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: 64 * 1024 }),
    )
    this.#begin(body, 200)
    return this.#streams.open(this, principal)
  }

  write(text: string): boolean {
    if (this.#closed) return false
    this.#controller!.enqueue(new TextEncoder().encode(text))
    return this.#controller!.desiredSize! > 0
  }

  whenDrained(callback: () => void): void {
    this.#onDrained = callback
  }

  end(): void {
    if (this.#closed) return
    this.#controller!.close()
    this.#close()
  }

  closeConnection(): void {
    // There is no connection.
  }

  fail(error: unknown): void {
    throw error
  }

  cut(): void {
    if (this.#closed) return
    this.#controller?.error(new TypeError('terminated'))
    this.#close()
  }

  whenClosed(callback: () => void): void {
    if (this.#closed) queueMicrotask(callback)
    else this.#onClosed.push(callback)
  }

  #answer(body: string | null, status: number): void {
    this.#begin(body, status)
    queueMicrotask(() => this.#close())
  }

  #begin(body: BodyInit | null, status: number): void {
    this.#begun = true
    this.#resolve(new Response(body, { status, headers: this.#headers }))
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    const callbacks = this.#onClosed
    this.#onClosed = []
    for (const callback of callbacks) callback()
  }
}
