import { mediaTypes } from '@tidings/protocol'
import type { Context } from 'koa'
import { endOrCut } from '../outgoing/end-or-cut.ts'
import type { RelayMail } from './mail.ts'
import { isClosed, whenClosed } from '../outgoing/when-closed.ts'

type HomeMail = RelayMail & { kind: 'head' | 'data' | 'end' | 'cut' }
type EntryPart = { kind: 'taken'; bytes: number } | { kind: 'left' }

/** The home is told what was taken in portions of this size. */
const portionBytes = 16 * 1024

/** The response to a request that came here, and is answered by the node where its session lives. */
export class Entry {
  readonly home: string
  /** True when the response has begun; false when it will not, because the home is gone. */
  readonly answered: Promise<boolean>
  readonly #ctx: Context
  readonly #tell: (part: EntryPart) => void
  #answer!: (isAnswered: boolean) => void
  #taken = 0
  #begun = false
  #over = false

  constructor(ctx: Context, home: string, tell: (part: EntryPart) => void) {
    this.#ctx = ctx
    this.home = home
    this.#tell = tell
    this.answered = new Promise((resolve) => (this.#answer = resolve))
    ctx.res.on('drain', () => this.#tellTaken())
    whenClosed(ctx, () => {
      if (!this.#over) tell({ kind: 'left' })
      this.#over = true
      this.#answer(true)
    })
  }

  receive(mail: HomeMail, bytes: Buffer): void {
    if (this.#over) return
    const { res } = this.#ctx
    if (mail.kind === 'head') {
      this.#begun = true
      this.#ctx.respond = false
      res.statusCode = mail.status
      for (const [name, value] of Object.entries(mail.headers)) res.setHeader(name, value)
      if (this.#isStream) res.flushHeaders()
      this.#answer(true)
    } else if (mail.kind === 'data') {
      const hasRoom = res.write(bytes)
      this.#taken += bytes.length
      if (hasRoom && this.#taken >= portionBytes) this.#tellTaken()
    } else if (mail.kind === 'end') {
      this.#end()
    } else {
      this.#over = true
      res.destroy()
    }
  }

  /** This node stops: a client that is streamed to comes back elsewhere. */
  stop(reason: string): void {
    if (this.#over) return
    this.#tell({ kind: 'left' })
    if (!this.#isStream) return this.fail()
    this.#ctx.res.write(`: ${reason}\n\n`)
    this.#end()
  }

  /** The home is gone. */
  fail(): void {
    if (this.#over) return
    this.#over = true
    if (this.#begun) this.#ctx.res.destroy()
    this.#answer(false)
  }

  get #isStream(): boolean {
    const type = this.#begun ? this.#ctx.res.getHeader('Content-Type') : undefined
    return type !== undefined && String(type).startsWith(mediaTypes.eventStream)
  }

  #end(): void {
    this.#over = true
    endOrCut(this.#ctx.res)
  }

  #tellTaken(): void {
    if (this.#taken === 0 || this.#over || isClosed(this.#ctx)) return
    this.#tell({ kind: 'taken', bytes: this.#taken })
    this.#taken = 0
  }
}
