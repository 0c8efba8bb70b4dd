import { type IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { RelayMail } from './mail.ts'

type HomeMail = RelayMail & { kind: 'head' | 'data' | 'end' | 'cut' }
/** Without the number of the exchange. */
export type SendPart = (part: Part, bytes?: Buffer) => void
type Part = HomeMail extends infer Mail ? (Mail extends unknown ? Omit<Mail, 'exchange'> : never) : never

/** So much may be under way to a reader at another node; past it the response is full, as a socket would be. */
const maxUnderWayBytes = 64 * 1024
// They are between two ends of a connection.
const hopByHop = ['connection', 'keep-alive', 'transfer-encoding']

/**
 * The response to a request that came to another node: what is written to it goes there. To the transport it is like any
 * other: it is full when the reader is slow, and closed when the reader has left.
 */
export class RelayedResponse extends ServerResponse {
  readonly #send: SendPart
  #headSent = false
  #underWay = 0
  #full = false
  #isClosed = false

  constructor(request: IncomingMessage, send: SendPart) {
    super(request)
    this.#send = send
    // Node has these as accessors of the prototype, TypeScript as properties.
    Object.defineProperties(this, {
      headersSent: { get: () => this.#headSent },
      writableNeedDrain: { get: () => this.#full && !this.#isClosed },
      writableEnded: { get: () => this.finished },
      writableFinished: { get: () => this.finished },
      closed: { get: () => this.#isClosed },
    })
  }

  override writeHead(status: number, ...rest: unknown[]): this {
    const headers = rest.find((each) => typeof each === 'object') as
      OutgoingHttpHeaders | string[] | undefined
    this.statusCode = status
    const pairs = Array.isArray(headers)
      ? headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1]!] as const] : []))
      : Object.entries(headers ?? {})
    for (const [name, value] of pairs) if (value !== undefined) this.setHeader(name, value)
    this.flushHeaders()
    return this
  }

  override flushHeaders(): void {
    if (this.#headSent) return
    this.#headSent = true
    const headers: Record<string, string | string[]> = {}
    for (const [name, value] of Object.entries(this.getHeaders())) {
      if (value !== undefined && !hopByHop.includes(name))
        headers[name] = Array.isArray(value) ? value : String(value)
    }
    this.#send({ kind: 'head', status: this.statusCode, headers })
  }

  override write(chunk: unknown, ...rest: unknown[]): boolean {
    if (this.#isClosed || this.finished) return false
    this.flushHeaders()
    const bytes = bytesOf(chunk, rest[0])
    this.#underWay += bytes.length
    this.#full ||= this.#underWay >= maxUnderWayBytes
    this.#send({ kind: 'data' }, bytes)
    callBack(rest)
    return !this.#full
  }

  override end(...all: unknown[]): this {
    if (this.#isClosed || this.finished) return this
    if (all.length > 0 && typeof all[0] !== 'function' && all[0] !== null && all[0] !== undefined) {
      this.write(all[0], all[1])
    }
    this.flushHeaders()
    this.finished = true
    this.#send({ kind: 'end' })
    process.nextTick(() => {
      this.emit('finish')
      callBack(all)
      this.left()
    })
    return this
  }

  override destroy(): this {
    if (this.#isClosed) return this
    this.#send({ kind: 'cut' })
    this.left()
    return this
  }

  /** The reader has taken so much. */
  taken(bytes: number): void {
    this.#underWay -= bytes
    if (!this.#full || this.#underWay >= maxUnderWayBytes || this.#isClosed) return
    this.#full = false
    this.emit('drain')
  }

  /** There is no reader any more. */
  left(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.destroyed = true
    this.emit('close')
  }
}

function bytesOf(chunk: unknown, encoding: unknown): Buffer {
  if (typeof chunk === 'string')
    return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
  const { buffer, byteOffset, byteLength } = chunk as Uint8Array
  return Buffer.from(buffer, byteOffset, byteLength)
}

function callBack(rest: unknown[]): void {
  const callback = rest.find((each) => typeof each === 'function') as (() => void) | undefined
  if (callback !== undefined) process.nextTick(callback)
}
