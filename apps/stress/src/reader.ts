import type { Agent } from 'node:http'
import type { TransportName } from '@tidings/client'
import type { SseEvent } from '@tidings/testkit/sse-stream'
import {
  initializeParams,
  listenStream,
  messagePost,
  newKeys,
  sessionEnd,
  sessionStream,
} from './wire/transport-shapes.ts'
import { type EventRequest, EventSocket } from './wire/event-socket.ts'
import { type Answer, post } from './wire/post.ts'
import { parseId, ToldOrder } from './told-order.ts'

/** What a {@link Reader} is made with. */
export interface ReaderOptions {
  transport: TransportName
  uris: Iterable<string>
  /** Where streams are opened. */
  streamPort: () => number
  /** Where messages are sent. */
  messagePort: () => number
  /** Carries the messages; a connection of its own for each when left out. */
  agent?: Agent
  /** How long to wait before a lost stream is opened again, in milliseconds. */
  retryMs: number
  /** How long the stream may be silent before it is taken for lost, in milliseconds. */
  silentMs: number
  /** A change was told: of a topic, by its number. */
  onChange?: (uri: string, change: { epoch: string; seq: number }) => void
  /** A topic was read, since what was told of it before is not known. */
  onRead?: (uri: string, text: string) => void
}

interface Message {
  id?: number | string
  method?: string
  params?: { uri?: string; _meta?: Record<string, unknown> }
  result?: object
  error?: { message: string }
}

/**
 * A subscriber with a connection of its own, over any transport. It comes back when its stream is lost, with the id of the
 * last event it read; where the server does not go on from there, it begins anew: subscribes, and reads.
 */
export class Reader {
  readonly transport: TransportName
  readonly order = new ToldOrder()
  readonly counts = { told: 0, opened: 0, recovered: 0, begun: 0 }
  /** Reasons that streams have ended with, as comments. */
  readonly reasons: string[] = []
  readonly #options: ReaderOptions
  readonly #uris: Set<string>
  readonly #keys = newKeys()
  readonly #answers = new Map<number | string, (message: Message) => void>()
  #socket: EventSocket | undefined
  #lastId = 0
  #lastEventId = ''
  /** Whether all that is wanted is subscribed to and read. */
  #ready = false
  #stopped = false
  /** Counts the sessions, and by the stateless transport the streams. */
  #generation = 0
  #stopSilence = () => {}

  constructor(options: ReaderOptions) {
    this.#options = options
    this.transport = options.transport
    this.#uris = new Set(options.uris)
    void this.#run()
  }

  get ready(): boolean {
    return this.#ready
  }

  get uris(): ReadonlySet<string> {
    return this.#uris
  }

  /** Where its session is: undefined while there is none, and by the stateless transport. */
  get hasSession(): boolean {
    return this.transport !== 'stateless' && (this.transport === 'paired' || this.#keys.session !== undefined)
  }

  watch(uri: string): void {
    if (this.#uris.has(uri)) return
    this.#uris.add(uri)
    if (this.transport === 'stateless') this.cut('fin')
    else if (this.#ready) void this.#subscribe(uri, this.#generation).catch(() => this.#beginAnew())
  }

  unwatch(uri: string): void {
    if (!this.#uris.delete(uri)) return
    if (this.transport === 'stateless') this.cut('fin')
    else if (this.#ready) void this.request('resources/unsubscribe', { uri }).catch(() => this.#beginAnew())
  }

  /** Sends a request, and waits for its answer, on whichever stream that comes. Rejects when the session is lost. */
  async request(method: string, params?: object): Promise<Message> {
    const id = ++this.#lastId
    const message = { id, method, ...(params && { params }) }
    if (this.transport !== 'http+sse') return JSON.parse((await this.#post(message)).body) as Message
    const answered = new Promise<Message>((resolve) => this.#answers.set(id, resolve))
    const generation = this.#generation
    await this.#post(message)
    const answer = await answered
    if (generation !== this.#generation) throw new Error('The session was lost')
    return answer
  }

  /** Ends its session, unless there is none. */
  async endSession(): Promise<void> {
    if (!this.hasSession) return
    const { agent, messagePort } = this.#options
    await post({ port: messagePort(), ...(agent && { agent }), ...sessionEnd(this.transport, this.#keys) })
  }

  /** Ends its session, and goes. */
  async leave(): Promise<void> {
    this.#stopped = true
    this.#ready = false
    await this.endSession()
    this.stop()
  }

  cut(how: 'reset' | 'fin' = 'reset'): void {
    this.#socket?.cut(how)
  }

  stall(): void {
    this.#stopSilence()
    this.#socket?.stall()
  }

  goOn(): void {
    this.#socket?.goOn()
  }

  /** Leaves, without a word. */
  stop(how: 'reset' | 'fin' = 'fin'): void {
    this.#stopped = true
    this.#ready = false
    this.cut(how)
    this.#stopSilence()
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        if (this.transport === 'streamable-http' && this.#keys.session === undefined)
          await this.#beginStreamable()
        await this.#readStream()
      } catch {
        // The server cannot be reached, or is stopping: it is tried again.
        this.#forget()
      }
      if (!this.#stopped) await new Promise((resolve) => setTimeout(resolve, this.#options.retryMs))
    }
  }

  /** Opens the stream, and resolves when it is lost. */
  #readStream(): Promise<void> {
    const stateless = this.transport === 'stateless'
    const since = this.#lastEventId
    const request: EventRequest = stateless
      ? listenStream([...this.#uris], since || undefined)
      : sessionStream(this.transport, this.#keys, since)
    const isFirst = since === '' && (this.transport !== 'streamable-http' || this.#isFresh)
    this.#isFresh = false
    /** The ids of the stream's events so far. A session's stream begins with a greeting, which may have no data. */
    let ids = 0
    return new Promise((resolve) => {
      const listen = () => this.#listenForSilence()
      const socket = new EventSocket(this.#options.streamPort(), request, {
        opened: (status, headers) => {
          if (status !== 200) {
            this.#forget()
            return socket.cut()
          }
          this.counts.opened++
          listen()
          if (stateless) return
          const recovered = headers['tidings-recovered'] === 'true'
          if (recovered) this.counts.recovered++
          else this.order.beginAnew()
          if (recovered) return
          if (this.transport === 'paired') this.#begin()
          else if (this.transport === 'streamable-http' && !isFirst) void this.#readAll(this.#generation)
        },
        id: (id) => {
          if (this.#socket !== socket || stateless) return
          listen()
          this.#lastEventId = id
          if (++ids === 1) this.order.greeted(id)
        },
        event: (event) => {
          if (this.#socket !== socket) return
          listen()
          if (stateless) this.#takeListened(JSON.parse(event.data) as Message)
          else this.#take(event, ids === 1)
        },
        comment: (comment) => {
          listen()
          if (comment.trim() !== '') this.reasons.push(comment.trim())
        },
        closed: () => {
          this.#stopSilence()
          resolve()
        },
      })
      this.#socket = socket
      listen()
      if (this.#stopped) socket.cut()
    })
  }

  /** Whether a streamable session was begun whose stream has not been opened yet. */
  #isFresh = false

  #take({ id, event, data }: SseEvent, isGreeting: boolean): void {
    if (id === undefined) throw new Error(`An event without an id: ${data}`)
    if (event === 'endpoint') {
      if (this.#keys.session === data) return
      this.#keys.session = data
      this.#begin()
    }
    if (isGreeting) return
    const message = JSON.parse(data) as Message
    if (message.method === 'notifications/resources/updated') {
      this.order.change(id)
      this.#changed(message.params!.uri!, id)
    } else if (parseId(id).mail === undefined) {
      // A list that has changed.
      this.order.change(id)
    } else {
      this.order.message(id)
      this.#answered(message)
    }
  }

  #takeListened(message: Message): void {
    if (message.result !== undefined) return
    const { uri, _meta: meta = {} } = message.params!
    const position = meta['dev.tidings/position'] as string
    this.#lastEventId = position
    if (message.method !== 'notifications/subscriptions/acknowledged') {
      this.order.change(`-.${position}`)
      return this.#changed(uri!, `-.${position}`)
    }
    if (meta['dev.tidings/recovered'] === true) this.counts.recovered++
    else this.order.beginAnew()
    this.order.greeted(`-.${position}`)
    this.#generation++
    void this.#readAll(this.#generation)
  }

  #answered(message: Message): void {
    const settle = this.#answers.get(message.id!)
    if (settle === undefined) this.order.faults.push(`answered twice, or unasked: ${JSON.stringify(message)}`)
    this.#answers.delete(message.id!)
    settle?.(message)
  }

  #changed(uri: string, id: string): void {
    this.counts.told++
    const { epoch, position } = parseId(id)
    this.#options.onChange?.(uri, { epoch, seq: position })
  }

  async #beginStreamable(): Promise<void> {
    this.#generation++
    const { headers } = await this.#post({
      id: ++this.#lastId,
      method: 'initialize',
      params: initializeParams(this.transport),
    })
    this.#keys.session = String(headers['mcp-session-id'])
    this.#lastEventId = ''
    this.#isFresh = true
    this.#begin()
  }

  /** Begins a session: says hello, subscribes, and reads. */
  #begin(): void {
    const generation = ++this.#generation
    this.counts.begun++
    this.#ready = false
    // What was asked of the session before is not answered any more.
    const lost = [...this.#answers.values()]
    this.#answers.clear()
    for (const settle of lost) settle({ error: { message: 'The session was lost' } })
    this.#hello(generation).catch(() => {
      if (generation === this.#generation) this.#beginAnew()
    })
  }

  async #hello(generation: number): Promise<void> {
    if (this.transport !== 'streamable-http')
      await this.request('initialize', initializeParams(this.transport))
    await this.#post({ method: 'notifications/initialized' })
    // Others may be wanted meanwhile.
    for (const asked = new Set<string>(); ;) {
      const missing = [...this.#uris].filter((uri) => !asked.has(uri))
      if (missing.length === 0) break
      for (const uri of missing) asked.add(uri)
      await Promise.all(missing.map((uri) => this.#subscribe(uri, generation)))
    }
    if (generation !== this.#generation) return
    this.#ready = true
  }

  async #subscribe(uri: string, generation: number): Promise<void> {
    const { error } = await this.request('resources/subscribe', { uri })
    if (error) throw new Error(error.message)
    await this.#read(uri, generation)
  }

  async #readAll(generation: number): Promise<void> {
    try {
      await Promise.all([...this.#uris].map((uri) => this.#read(uri, generation)))
      if (generation === this.#generation) this.#ready = true
    } catch {
      if (generation === this.#generation) this.#beginAnew()
    }
  }

  async #read(uri: string, generation: number): Promise<void> {
    const { result, error } = await this.request('resources/read', { uri })
    if (error) throw new Error(error.message)
    if (generation !== this.#generation) return
    const { contents } = result as { contents: { text: string }[] }
    this.#options.onRead?.(uri, contents[0]!.text)
  }

  async #post(message: { id?: number; method: string; params?: object }): Promise<Answer> {
    const { agent, messagePort } = this.#options
    const answer = await post({
      port: messagePort(),
      ...(agent && { agent }),
      ...messagePost(this.transport, this.#keys, message),
    })
    if (answer.status >= 300)
      throw new Error(`${message.method} was answered ${answer.status}: ${answer.body}`)
    return answer
  }

  #beginAnew(): void {
    this.#forget()
    this.cut()
  }

  #forget(): void {
    this.#ready = false
    this.#lastEventId = ''
    this.#keys.session = undefined
    this.order.beginAnew()
  }

  #listenForSilence(): void {
    this.#stopSilence()
    const timer = setTimeout(() => this.cut(), this.#options.silentMs)
    this.#stopSilence = () => clearTimeout(timer)
  }
}
