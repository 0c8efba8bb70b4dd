import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { Readable } from 'node:stream'
import { defer, forget } from '@tidings/testkit/disposers'
import { SseReader } from '@tidings/testkit/sse-reader'

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** One HTTP/2 connection, and requests on it as they are on the wire. */
export class Http2Client {
  readonly session: ClientHttp2Session

  constructor(session: ClientHttp2Session) {
    this.session = session
    session.on('error', () => {}) // 'close' follows
  }

  /** Begins a request. */
  request(headers: OutgoingHttpHeaders, body?: unknown): ClientHttp2Stream {
    const stream = this.session.request({
      ...(body !== undefined && { ':method': 'POST', 'content-type': 'application/json' }),
      ...headers,
    })
    stream.on('error', () => {}) // 'close' follows
    stream.end(body === undefined ? undefined : JSON.stringify(body))
    return stream
  }

  /** The whole answer to a request. */
  async ask(headers: OutgoingHttpHeaders, body?: unknown): Promise<Answer> {
    const stream = this.request(headers, body)
    const [response] = (await once(stream, 'response')) as [IncomingHttpHeaders & { ':status': number }]
    let text = ''
    for await (const chunk of stream.setEncoding('utf8')) text += String(chunk)
    return { status: response[':status'], headers: response, text }
  }

  /** Opens an event stream; cut after the test. */
  async open(headers: OutgoingHttpHeaders, body?: unknown): Promise<Http2Reader> {
    const stream = this.request({ accept: 'text/event-stream', ...headers }, body)
    const [response] = (await once(stream, 'response')) as [IncomingHttpHeaders & { ':status': number }]
    if (response[':status'] !== 200)
      throw new Error(`${String(headers[':path'])} was answered ${response[':status']}`)
    const reader = defer(new Http2Reader(stream, response), (reader) => reader.cut())
    stream.once('close', () => forget(reader))
    return reader
  }
}

/** An event stream of an HTTP/2 connection. */
export class Http2Reader extends SseReader {
  readonly headers: IncomingHttpHeaders
  readonly stream: ClientHttp2Stream

  constructor(stream: ClientHttp2Stream, headers: IncomingHttpHeaders) {
    super(stream as unknown as IncomingMessage)
    this.stream = stream
    this.headers = headers
  }
}

/** Opens an HTTP/2 connection, closed after the test. Nobody has to have signed the certificate of the server. */
export async function connectHttp2(url: string): Promise<Http2Client> {
  const session = defer(connect(url, { rejectUnauthorized: false }), (session) => session.destroy())
  session.once('close', () => forget(session))
  await once(session, 'connect')
  return new Http2Client(session)
}

/** A `fetch` over the connection, for our client. */
export function fetchOver({ session }: Http2Client): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    const { pathname, search } = new URL(request.url)
    const sent = Buffer.from(await request.arrayBuffer())
    const head = {
      ...Object.fromEntries(request.headers),
      ':method': request.method,
      ':path': pathname + search,
    }
    const stream = session.request(head, { endStream: sent.length === 0 })
    const aborted = new Promise<never>((_resolve, reject) => {
      const abort = () => {
        stream.close(constants.NGHTTP2_CANCEL)
        reject(request.signal.reason as Error)
      }
      if (request.signal.aborted) abort()
      request.signal.addEventListener('abort', abort)
    })
    aborted.catch(() => {}) // after the head it has its way over the body
    if (sent.length > 0) stream.end(sent)
    const [received] = (await Promise.race([once(stream, 'response'), aborted])) as [IncomingHttpHeaders]
    const { ':status': status, ...fields } = Object.fromEntries(
      Object.entries(received) as [string, string][],
    )
    const body = [202, 204].includes(Number(status)) ? null : (Readable.toWeb(stream) as ReadableStream)
    return new Response(body && new Response(body).body, { status: Number(status), headers: fields })
  }
}
