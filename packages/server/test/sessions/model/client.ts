import type { Context } from 'koa'
import { LimitError } from '../../../src/limits.ts'
import { parseEventId } from '../../../src/sessions/event-id.ts'
import { Session } from '../../../src/sessions/session.ts'
import { modernBody, modernHeaders } from '../../harness/modern.ts'
import { Record, type Return } from './record.ts'
import { answerTo, request, type Wire } from './wire.ts'
import { resources, settled, topics, type World } from './world.ts'

export type Kind = 'http+sse' | 'paired' | 'streamable-http' | 'stateless'

/** One stream of a client, over the connections that it takes. */
export class Stream {
  wire: Wire | undefined
  readonly record = new Record()
  /** All of it has been read. */
  done = false
}

const accept = 'application/json, text/event-stream'
const initialize = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'model', version: '0' },
}

/** A client, and all that it is told. */
export class Client {
  readonly kind: Kind
  readonly principal: string
  world: World
  session: Session | undefined
  own = new Stream()
  /** The streams that answer a request, by its name. */
  readonly responses = new Map<string, Stream>()
  /** The requests of the session that were taken, and whether each has been answered. */
  readonly answered = new Map<string, boolean>()
  /** What it watches, with the latest change when it began to. */
  readonly watched = new Map<string, number>()
  readonly #clientId: string
  readonly #inHand = new Map<string, Context>()
  #lastRequest = 0

  constructor(kind: Kind, number: number, world: World) {
    this.kind = kind
    this.principal = `principal-${number}`
    this.#clientId = `client-id-of-at-least-22-characters-${number}`
    this.world = world
  }

  get streams(): Stream[] {
    return [this.own, ...this.responses.values()]
  }

  /** Opens its own stream, in place of the one it may have. */
  async open(how: Return): Promise<void> {
    if (this.kind === 'stateless') return this.#listen(how)
    if (this.kind === 'streamable-http' && !(await this.#begin())) return
    const id = this.own.record.idFor(how)
    const ctx = await this.#get(id)
    const wire = this.world.wireOf(ctx)
    if (wire === undefined) {
      expect([404, 503]).toContain(ctx.status)
      if (ctx.status === 404) this.forget()
      return
    }
    const recovered = ctx.response.get('Tidings-Recovered') === 'true'
    if (!recovered && this.kind === 'http+sse') this.forget()
    this.own.wire = wire
    this.#returned(this.own, recovered, id, how)
    if (this.kind !== 'http+sse') this.#find()
    this.read(1)
    // Over HTTP+SSE, a client is told of the lists once it has sent something.
    if (this.kind !== 'http+sse') this.#watch('tools')
  }

  /** Comes back to the stream of a request. */
  async reopen(name: string, how: Return): Promise<void> {
    const stream = this.responses.get(name)!
    const id = stream.record.idFor(how)
    // Without an id it would be the session's own.
    if (parseEventId(id)?.channel === undefined) return this.#drop(name)
    const ctx = await this.#get(id)
    stream.wire = this.world.wireOf(ctx)
    if (stream.wire !== undefined)
      return this.#returned(stream, ctx.response.get('Tidings-Recovered') === 'true', id, how)
    expect([400, 404, 503]).toContain(ctx.status)
    if (ctx.status === 400) this.#drop(name)
    else if (ctx.status === 404) this.forget()
  }

  async subscribe(uri: string): Promise<void> {
    if (await this.#request('resources/subscribe', { uri })) this.#watch(uri)
  }

  async unsubscribe(uri: string): Promise<void> {
    if (await this.#request('resources/unsubscribe', { uri })) this.watched.delete(uri)
  }

  async talk(): Promise<void> {
    await this.#request('tools/call', { name: 'talk', _meta: { progressToken: 'p' } })
  }

  async end(): Promise<void> {
    if (this.session === undefined) return
    const ctx = request('DELETE', this.#url, this.#headers)
    this.#transport.end(ctx, this.principal)
    expect([204, 404]).toContain(ctx.status)
    await settled()
  }

  /** Reads so many frames of each stream. */
  read(frames: number): void {
    for (const stream of this.streams) {
      for (const { event, id = '', data } of stream.wire?.read(frames) ?? []) {
        if (event === 'endpoint') this.#find(new URLSearchParams(data.split('?')[1]).get('sessionId')!)
        this.#told(stream, id, event === 'endpoint' || data === '' ? undefined : JSON.parse(data))
      }
      if (stream.wire?.open === false && stream.wire.inFlight.length === 0) stream.wire = undefined
    }
  }

  /** Its connections are cut: the server sees it, or not yet. */
  cut(seen: boolean): void {
    for (const stream of this.streams) {
      stream.wire?.cut(seen)
      stream.wire = undefined
    }
  }

  /** Looks which of its requests have been answered, or are answered by a stream. */
  look(): void {
    for (const [name, ctx] of this.#inHand) {
      const wire = this.world.wireOf(ctx)
      if (wire !== undefined) {
        const stream = new Stream()
        stream.wire = wire
        this.responses.set(name, stream)
      } else if (answerTo(ctx) !== '') {
        this.#answer(JSON.parse(answerTo(ctx)))
      } else {
        continue
      }
      this.#inHand.delete(name)
    }
    if (this.session?.ended) this.forget()
  }

  /** What it should have been told of by now, and was not. */
  get untold(): string[] {
    return [...this.watched].flatMap(([topic, since]) => {
      const latest = this.world.latest.get(topic) ?? 0
      return latest <= since || this.own.record.wasTold(topic, latest, this.world.server.changes.epoch)
        ? []
        : [`${topic} ${latest}`]
    })
  }

  /** Nobody knows any more what has changed. */
  mustBeToldOfAll(): void {
    for (const topic of this.watched.keys()) this.watched.set(topic, -1)
  }

  /** The session has ended: nothing that was known of it holds. */
  forget(): void {
    this.session = undefined
    this.watched.clear()
    this.answered.clear()
    this.responses.clear()
    this.#inHand.clear()
    const { wire } = this.own
    if (this.kind !== 'paired') this.own = new Stream()
    if (wire?.open) this.own.wire = wire
  }

  get #transport() {
    return this.world.transports[this.kind]
  }

  get #url(): string {
    if (this.kind === 'paired') return `/mcp?client_id=${this.#clientId}`
    return this.kind === 'streamable-http' ? '/mcp' : `/messages?sessionId=${this.session?.id ?? ''}`
  }

  get #headers(): { [name: string]: string } {
    const { kind, session } = this
    return { accept, ...(kind === 'streamable-http' && session && { 'mcp-session-id': session.id }) }
  }

  async #get(lastEventId: string): Promise<Context> {
    const url = this.kind === 'paired' ? `/sse?client_id=${this.#clientId}` : '/sse'
    const id = lastEventId === '' ? {} : { 'last-event-id': lastEventId }
    const ctx = request('GET', url, { ...this.#headers, ...id })
    await orRefused(ctx, () => this.#transport.open(ctx, this.principal))
    await settled()
    return ctx
  }

  #returned({ record }: Stream, recovered: boolean, id: string, how: Return): void {
    if (recovered) record.returned(id)
    else record.lost()
    // Who lies about what it was told is not told it.
    if (how.by !== 'forged') return
    record.lied()
    this.answered.clear()
    for (const topic of this.watched.keys()) this.watched.set(topic, this.world.server.changes.seq)
  }

  async #listen(how: Return): Promise<void> {
    const since = this.own.record.idFor(how)
    const call = {
      method: 'subscriptions/listen',
      params: { notifications: { toolsListChanged: true, resourceSubscriptions: resources } },
      meta: since === '' ? {} : { 'dev.tidings/since': since },
    }
    const ctx = request('POST', '/mcp', modernHeaders(call))
    await this.#transport.receive(ctx, this.principal, modernBody(call))
    this.own.wire = this.world.wireOf(ctx)!
    const [{ data }] = this.own.wire.read(1) as [{ data: string }]
    const { _meta } = JSON.parse(data).params
    const recovered = _meta['dev.tidings/recovered'] === true
    if (!recovered || how.by === 'forged') {
      this.own.record.lied()
      for (const topic of topics) this.watched.set(topic, this.world.server.changes.seq)
    } else {
      this.own.record.returned(since)
    }
    this.own.record.told(_meta['dev.tidings/position'], '', undefined)
  }

  /** Makes sure that there is a session; false when there can be none. */
  async #begin(): Promise<boolean> {
    if (this.session !== undefined || this.kind === 'paired') return true
    if (this.kind === 'stateless') return false
    if (this.kind === 'http+sse') {
      await this.open({ by: 'last' })
      return this.session !== undefined
    }
    const ctx = request('POST', '/mcp', { accept })
    const body = { jsonrpc: '2.0', id: 0, method: 'initialize', params: initialize }
    await orRefused(ctx, () => this.#transport.receive(ctx, this.principal, body))
    this.#find(ctx.response.get('Mcp-Session-Id'))
    return this.session !== undefined
  }

  /** Sends a request; false when it is not taken. */
  async #request(method: string, params: object): Promise<boolean> {
    if (!(await this.#begin())) return false
    const name = `${this.principal} ${++this.#lastRequest}`
    const ctx = request('POST', this.#url, this.#headers)
    const message = { jsonrpc: '2.0', id: name, method, params }
    void orRefused(ctx, () => this.#transport.receive(ctx, this.principal, message))
    await settled()
    if (typeof ctx.body === 'object' && ctx.body !== null) {
      expect([404, 503]).toContain(ctx.status)
      if (ctx.status === 404) this.forget()
      return false
    }
    this.#find()
    this.#watch('tools')
    this.answered.set(name, false)
    if (this.kind !== 'http+sse') this.#inHand.set(name, ctx)
    this.look()
    return true
  }

  #find(id = this.kind === 'paired' ? this.#clientId : this.session?.id): void {
    const found = this.world.sessions.find(id ?? '', this.principal)
    const session = found instanceof Session ? found : undefined
    if (this.session !== undefined && this.session !== session) this.forget()
    this.session = session
  }

  #watch(topic: string): void {
    if (!this.watched.has(topic)) this.watched.set(topic, this.world.server.changes.seq)
  }

  #told(stream: Stream, id: string, message: any): void {
    const position = message?.params?._meta?.['dev.tidings/position'] ?? id
    stream.record.told(position, this.world.server.changes.epoch, message)
    if (message === undefined || 'method' in message) return
    this.#answer(message)
    stream.done = stream !== this.own
  }

  #answer({ id }: { id: string }): void {
    if (this.answered.has(id)) this.answered.set(id, true)
  }

  #drop(name: string): void {
    this.responses.delete(name)
    this.answered.delete(name)
  }
}

/** Whatever there is too many of, the client is told. */
async function orRefused(ctx: Context, work: () => Promise<void> | void): Promise<void> {
  try {
    await work()
  } catch (thrown) {
    if (!(thrown instanceof LimitError)) throw thrown
    ctx.status = thrown.status
    ctx.body = {}
  }
}
