import type { Socket } from 'node:net'

/** What is wrong with one direction of a connection. */
export interface DirectionFaults {
  /** How long each chunk is under way, in milliseconds. */
  delayMs: number
  /** Writes each byte by itself. */
  oneByteWrites: boolean
  /** Reads nothing: the writer's socket fills up. */
  stalled: boolean
}

// What may be under way before the writer is held back, in bytes.
const mostUnderWay = 64 * 1024

/** One direction of a proxied connection: what one socket sends is written to the other, under the faults in force. */
export class FaultyPipe {
  readonly #from: Socket
  readonly #to: Socket
  readonly #faults: Readonly<DirectionFaults>
  readonly #underWay: { bytes: Buffer; since: number }[] = []
  #bytes = 0
  #ended = false
  #silent = false
  #pumping = false
  #wake = () => {}

  constructor(from: Socket, to: Socket, faults: Readonly<DirectionFaults>) {
    this.#from = from
    this.#to = to
    this.#faults = faults
    from.on('data', (bytes: Buffer) => {
      if (this.#silent) return
      this.#underWay.push({ bytes, since: Date.now() })
      this.#bytes += bytes.length
      this.#pump()
    })
    from.once('end', () => {
      this.#ended = true
      this.#pump()
    })
    to.on('drain', () => this.#wake())
    to.once('close', () => this.#wake())
    this.#holdBack()
  }

  /** From now on nothing arrives any more, and neither side is told. */
  goSilent(): void {
    this.#silent = true
    this.#underWay.length = this.#bytes = 0
    this.changed()
  }

  get silent(): boolean {
    return this.#silent
  }

  /** The faults in force have changed. */
  changed(): void {
    this.#wake()
    this.#pump()
  }

  #pump(): void {
    this.#holdBack()
    if (this.#pumping) return
    this.#pumping = true
    void this.#write().finally(() => (this.#pumping = false))
  }

  #holdBack(): void {
    if (this.#faults.stalled || this.#bytes > mostUnderWay) this.#from.pause()
    else this.#from.resume()
  }

  async #write(): Promise<void> {
    while (!this.#silent && !this.#to.destroyed && !this.#to.writableEnded) {
      const first = this.#underWay[0]
      if (first === undefined) {
        if (this.#ended) this.#to.end()
        return
      }
      const early = first.since + this.#faults.delayMs - Date.now()
      if (early > 0) await this.#changeOr(early)
      else if (this.#faults.stalled || this.#to.writableNeedDrain) await this.#changeOr()
      else if (this.#faults.oneByteWrites) await this.#writeOneByte(first)
      else this.#writeWhole(first)
    }
  }

  #writeWhole({ bytes }: { bytes: Buffer }): void {
    this.#underWay.shift()
    this.#bytes -= bytes.length
    this.#to.write(bytes)
    this.#holdBack()
  }

  async #writeOneByte(chunk: { bytes: Buffer }): Promise<void> {
    this.#to.write(chunk.bytes.subarray(0, 1))
    chunk.bytes = chunk.bytes.subarray(1)
    this.#bytes--
    if (chunk.bytes.length === 0) this.#underWay.shift()
    // So that it leaves by itself.
    await new Promise(setImmediate)
  }

  async #changeOr(ms?: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = () => {}
  }
}
