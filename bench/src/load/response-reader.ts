/** Who takes a response as it arrives. The bytes are only lent: they are overwritten when the call returns. */
export interface ResponseReceiver {
  head(status: number, head: string): void
  data(bytes: Buffer, start: number, end: number): void
  end(): void
}

type State = 'head' | 'counted' | 'chunk size' | 'chunk' | 'chunk end' | 'trailer' | 'until close'

const lineFeed = 10

/**
 * The least of an HTTP/1.1 client's reader: responses one after the other, with a body that has a length, comes in
 * chunks, or goes on until the connection closes.
 */
export class ResponseReader {
  receiver: ResponseReceiver | undefined
  #state: State = 'head'
  /** Of the body or the chunk, still to come. */
  #remaining = 0
  /** A head or a line that has not wholly arrived. */
  #partial = ''

  feed(bytes: Buffer, end: number): void {
    let at = 0
    while (at < end) {
      switch (this.#state) {
        case 'head':
          at = this.#readHead(bytes, at, end)
          break
        case 'counted':
        case 'chunk': {
          const upTo = Math.min(end, at + this.#remaining)
          this.#remaining -= upTo - at
          this.receiver!.data(bytes, at, upTo)
          at = upTo
          if (this.#remaining > 0) break
          if (this.#state === 'counted') this.#finish()
          else this.#state = 'chunk end'
          break
        }
        case 'chunk size': {
          const next = this.#readLine(bytes, at, end)
          if (next > 0) {
            this.#remaining = parseInt(this.#partial, 16)
            this.#partial = ''
            this.#state = this.#remaining === 0 ? 'trailer' : 'chunk'
          }
          at = next > 0 ? next : end
          break
        }
        case 'chunk end': {
          const next = this.#readLine(bytes, at, end)
          this.#partial = ''
          if (next > 0) this.#state = 'chunk size'
          at = next > 0 ? next : end
          break
        }
        case 'trailer': {
          const next = this.#readLine(bytes, at, end)
          const isLast = next > 0 && this.#partial.trim() === ''
          if (next > 0) this.#partial = ''
          at = next > 0 ? next : end
          if (isLast) this.#finish()
          break
        }
        case 'until close':
          this.receiver!.data(bytes, at, end)
          at = end
          break
      }
    }
  }

  /** The connection is closed. Gives whether that is how the response ends. */
  close(): boolean {
    if (this.#state !== 'until close') return false
    this.#finish()
    return true
  }

  #finish(): void {
    const receiver = this.receiver
    this.#state = 'head'
    this.receiver = undefined
    receiver!.end()
  }

  /** Adds to the partial line. Gives where the next begins, or 0 when it has not arrived. */
  #readLine(bytes: Buffer, start: number, end: number): number {
    let at = start
    while (at < end && bytes[at] !== lineFeed) at++
    this.#partial += bytes.toString('latin1', start, at)
    return at < end ? at + 1 : 0
  }

  #readHead(bytes: Buffer, start: number, end: number): number {
    const before = this.#partial.length
    const text = this.#partial + bytes.toString('latin1', start, end)
    const length = text.indexOf('\r\n\r\n')
    if (length < 0) {
      this.#partial = text
      return end
    }
    this.#partial = ''
    const head = text.slice(0, length)
    const status = Number(head.slice(9, 12))
    if (this.receiver === undefined) throw new Error(`A response without a request: ${head}`)
    const counted = /\r\ncontent-length: *(\d+)/i.exec(head)
    this.receiver.head(status, head)
    if (status === 204 || status === 304) this.#finish()
    else if (/\r\ntransfer-encoding: *chunked/i.test(head)) this.#state = 'chunk size'
    else if (counted === null) this.#state = 'until close'
    else if (counted[1] === '0') this.#finish()
    else {
      this.#remaining = Number(counted[1])
      this.#state = 'counted'
    }
    return start + length + 4 - before
  }
}
