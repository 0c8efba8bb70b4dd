import { limitsOf } from '../../../src/limits.ts'
import { InFlight } from '../../../src/quota.ts'
import { Refusal } from '../../../src/refusal.ts'
import { parseEventId } from '../../../src/sessions/event-id.ts'
import type { Session } from '../../../src/sessions/session.ts'
import { modernBody, modernHeaders } from '../../harness/modern.ts'
import { Record, type Return } from './record.ts'
import { ModelRequest, type ModelResponse, type Wire } from './wire.ts'
import { resources, settled, topics, type World } from './world.ts'
import { changesOf } from '../../harness/internals.ts'

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
  readonly #inHand = new Map<string, ModelResponse>()
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
    const response = await this.#get(id)
    const { wire, status } = response
    if (wire === undefined) {
      expect([404, 503]).toContain(status)
      if (status === 404) this.forget()
      return
    }
    const recovered = response.header('Tidings-Recovered') === 'true'
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
    const response = await this.#get(id)
    const { wire, status } = response
    stream.wire = wire
    if (wire !== undefined)
      return this.#returned(stream, response.header('Tidings-Recovered') === 'true', id, how)
    expect([400, 404, 503]).toContain(status)
    if (status === 400) this.#drop(name)
    else if (status === 404) this.forget()
  }

  async subscribe(uri: string): Promise<void> {
    if (await this.#send('resources/subscribe', { uri })) this.#watch(uri)
  }

  async unsubscribe(uri: string): Promise<void> {
    if (await this.#send('resources/unsubscribe', { uri })) this.watched.delete(uri)
  }

  async talk(): Promise<void> {
    await this.#send('tools/call', { name: 'talk', _meta: { progressToken: 'p' } })
  }

  async end(): Promise<void> {
    if (this.session === undefined) return
    const { status } = await this.#exchange('end', this.#request('DELETE', this.#url))
    expect([204, 404]).toContain(status)
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
    for (const [name, { wire, text }] of this.#inHand) {
      if (wire !== undefined) {
        const stream = new Stream()
        stream.wire = wire
        this.responses.set(name, stream)
      } else if (text !== '') {
        this.#answer(JSON.parse(text))
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
      return latest <= since || this.own.record.wasTold(topic, latest, changesOf(this.world.server).epoch)
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

  #request(method: string, url: string, headers: object = {}, body?: unknown): ModelRequest {
    return new ModelRequest(this.principal, method, url, { ...this.#headers, ...headers }, body)
  }

  /** Has the request served; a refusal becomes its response. */
  async #exchange(what: 'open' | 'receive' | 'end', request: ModelRequest): Promise<ModelResponse> {
    const response = this.world.response()
    await this.#serve(what, request, response)
    return response
  }

  async #serve(
    what: 'open' | 'receive' | 'end',
    request: ModelRequest,
    response: ModelResponse,
  ): Promise<void> {
    try {
      const inFlight = new InFlight(response, limitsOf(), this.principal)
      await this.#transport[what](request, response, inFlight)
    } catch (thrown) {
      const refusal = Refusal.from(thrown)
      if (refusal === undefined) throw thrown
      response.empty(refusal.status)
    }
  }

  async #get(lastEventId: string): Promise<ModelResponse> {
    const url = this.kind === 'paired' ? `/sse?client_id=${this.#clientId}` : '/sse'
    const id = lastEventId === '' ? {} : { 'last-event-id': lastEventId }
    const response = await this.#exchange('open', this.#request('GET', url, id))
    await settled()
    return response
  }

  #returned({ record }: Stream, recovered: boolean, id: string, how: Return): void {
    if (recovered) record.returned(id)
    else record.lost()
    // Who lies about what it was told is not told it.
    if (how.by !== 'forged') return
    record.lied()
    this.answered.clear()
    for (const topic of this.watched.keys()) this.watched.set(topic, changesOf(this.world.server).seq)
  }

  async #listen(how: Return): Promise<void> {
    const since = this.own.record.idFor(how)
    const call = {
      method: 'subscriptions/listen',
      params: { notifications: { toolsListChanged: true, resourceSubscriptions: resources } },
      meta: since === '' ? {} : { 'dev.tidings/since': since },
    }
    const request = this.#request('POST', '/mcp', modernHeaders(call), modernBody(call))
    this.own.wire = (await this.#exchange('receive', request)).wire!
    const [{ data }] = this.own.wire.read(1) as [{ data: string }]
    const { _meta } = JSON.parse(data).params
    const recovered = _meta['dev.tidings/recovered'] === true
    if (!recovered || how.by === 'forged') {
      this.own.record.lied()
      for (const topic of topics) this.watched.set(topic, changesOf(this.world.server).seq)
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
    const body = { jsonrpc: '2.0', id: 0, method: 'initialize', params: initialize }
    const response = await this.#exchange('receive', this.#request('POST', '/mcp', {}, body))
    this.#find(response.header('Mcp-Session-Id') ?? undefined)
    return this.session !== undefined
  }

  /** Sends a request; false when it is not taken. */
  async #send(method: string, params: object): Promise<boolean> {
    if (!(await this.#begin())) return false
    const name = `${this.principal} ${++this.#lastRequest}`
    const message = { jsonrpc: '2.0', id: name, method, params }
    const response = this.world.response()
    void this.#serve('receive', this.#request('POST', this.#url, {}, message), response)
    await settled()
    if (response.status !== undefined && response.status >= 400) {
      expect([404, 503]).toContain(response.status)
      if (response.status === 404) this.forget()
      return false
    }
    this.#find()
    this.#watch('tools')
    this.answered.set(name, false)
    if (this.kind !== 'http+sse') this.#inHand.set(name, response)
    this.look()
    return true
  }

  #find(id = this.kind === 'paired' ? this.#clientId : this.session?.id): void {
    const session =
      this.kind === 'stateless' ? undefined : this.world.sessions.find(id ?? '', this.principal, this.kind)
    if (this.session !== undefined && this.session !== session) this.forget()
    this.session = session
  }

  #watch(topic: string): void {
    if (!this.watched.has(topic)) this.watched.set(topic, changesOf(this.world.server).seq)
  }

  #told(stream: Stream, id: string, message: any): void {
    const position = message?.params?._meta?.['dev.tidings/position'] ?? id
    stream.record.told(position, changesOf(this.world.server).epoch, message)
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
