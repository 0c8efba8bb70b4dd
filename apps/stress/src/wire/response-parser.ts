/** What a {@link ResponseParser} tells. */
export interface ResponseListener {
  head(status: number, headers: ReadonlyMap<string, string>): void
  body(bytes: Buffer): void
}

const blankLine = '\r\n\r\n'

/** Parses one HTTP/1.1 response as it arrives: chunked, of a stated length, or up to the end of the connection. */
export class ResponseParser {
  readonly #listener: ResponseListener
  #pending: Buffer = Buffer.alloc(0)
  #headIsRead = false
  #chunked = false
  /** How much of the body, or of the chunk, is yet to come. */
  #left = 0
  #done = false

  constructor(listener: ResponseListener) {
    this.#listener = listener
  }

  /** Whether the response has come to its end, where it says so. */
  get done(): boolean {
    return this.#done
  }

  feed(bytes: Buffer): void {
    if (this.#done) return
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes])
    if (!this.#headIsRead && !this.#readHead()) return
    if (this.#chunked) while (this.#readChunk());
    else this.#readPlain()
  }

  #readHead(): boolean {
    const end = this.#pending.indexOf(blankLine)
    if (end === -1) return false
    const [statusLine = '', ...lines] = this.#pending.toString('latin1', 0, end).split('\r\n')
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1])
    if (!status) throw new Error(`Not the start of an HTTP/1.1 response: ${statusLine.slice(0, 100)}`)
    this.#pending = this.#pending.subarray(end + blankLine.length)
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
      }),
    )
    this.#headIsRead = true
    this.#chunked = headers.get('transfer-encoding') === 'chunked'
    this.#left = Number(headers.get('content-length') ?? Infinity)
    this.#listener.head(status, headers)
    return true
  }

  #readPlain(): void {
    const bytes = this.#pending.subarray(0, this.#left)
    this.#left -= bytes.length
    this.#pending = Buffer.alloc(0)
    if (bytes.length > 0) this.#listener.body(bytes)
    if (this.#left === 0) this.#done = true
  }

  /** Reads one chunk. Returns whether there may be another. */
  #readChunk(): boolean {
    const end = this.#pending.indexOf('\r\n')
    if (end === -1) return false
    const size = Number.parseInt(this.#pending.toString('latin1', 0, end), 16)
    if (Number.isNaN(size)) throw new Error('Not the size of a chunk')
    const start = end + 2
    if (this.#pending.length < start + size + 2) return false
    if (size === 0) this.#done = true
    else this.#listener.body(this.#pending.subarray(start, start + size))
    this.#pending = this.#pending.subarray(start + size + 2)
    return size > 0 && this.#pending.length > 0
  }
}
