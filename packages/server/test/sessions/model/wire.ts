import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import Koa, { type Context } from 'koa'
import { RelayedResponse } from '../../../src/http/relay/relayed-response.ts'
import type { MessageStream, StreamOwner } from '../../../src/sessions/channel.ts'

const koa = new Koa()

/** A request as a transport sees it, without a socket. */
export function request(method: string, url: string, headers: Record<string, string> = {}): Context {
  const req = new IncomingMessage(new Socket())
  Object.assign(req, { method, url })
  for (const [name, value] of Object.entries(headers)) req.headers[name.toLowerCase()] = value
  const parts: Buffer[] = []
  const res = new RelayedResponse(req, (_part, bytes) => void parts.push(bytes ?? Buffer.alloc(0)))
  const ctx = koa.createContext(req, res)
  answers.set(ctx, () => (res.writableEnded ? Buffer.concat(parts).toString() : ''))
  return ctx
}

const answers = new WeakMap<Context, () => string>()

/** The JSON that the request was answered by; empty as long as there is none. */
export function answerTo(ctx: Context): string {
  return answers.get(ctx)!()
}

/** A connection that holds so many frames that its reader has not read; then it is full. */
export class Wire implements MessageStream {
  owner: StreamOwner | undefined
  /** Written, not read. */
  readonly inFlight: string[] = []
  readonly #holds: number
  #open = true

  constructor(holds: number) {
    this.#holds = holds
  }

  /** False once the server has ended it, or the reader has left. */
  get open(): boolean {
    return this.#open
  }

  get ready(): boolean {
    return this.#open && this.inFlight.length < this.#holds
  }

  write(frame: string): void {
    if (!this.#open) throw new Error('write after end')
    this.inFlight.push(frame)
  }

  end(): void {
    if (!this.#open) throw new Error('end after end')
    this.#open = false
    this.owner?.streamClosed(this)
  }

  /** Reads so many frames. */
  read(frames: number): EventSourceMessage[] {
    const wasFull = !this.ready
    const events: EventSourceMessage[] = []
    const parser = createParser({ onEvent: (event) => events.push(event) })
    for (const frame of this.inFlight.splice(0, frames)) parser.feed(frame)
    if (wasFull && this.ready) this.owner?.streamReady()
    return events
  }

  /** The connection is cut: what is in flight is lost. The server sees it, or not yet. */
  cut(seen: boolean): void {
    this.inFlight.length = 0
    if (!seen || !this.#open) return
    this.#open = false
    this.owner?.streamClosed(this)
  }
}
