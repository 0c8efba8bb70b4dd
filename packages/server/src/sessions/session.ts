import {
  type ClientCapabilities,
  errorCodes,
  type Implementation,
  JSONRPC_VERSION,
  type LoggingLevel,
  type NotificationToClient,
  type ParamsOf,
  type RequestId,
  type RequestToClient,
  type ResultOf,
  type Revision,
} from '@tidings/protocol'
import { Asks } from '../requests/client-requests.ts'
import type { Call } from '../requests/call.ts'
import type { ChangeIndex, Topic } from '../changes/change-index.ts'
import type { Limits } from '../limits.ts'
import type { Outlet, Peer } from '../requests/peer.ts'
import { Channel, type ChannelHome } from './channel.ts'
import type { MailboxLimits } from './mailbox.ts'

/** What a session has of the server it belongs to. */
export interface SessionHome {
  readonly changes: ChangeIndex
  readonly mailboxLimits: MailboxLimits
  readonly limits: Limits
  /** Called when a session gets a stream of its own. */
  attached(session: Session): void
  /** Called when a session loses its stream. */
  detached(session: Session): void
  /** Called with each request that is being answered, and when it no longer is. */
  begun(call: Call): void
  over(call: Call): void
  /** Called once, when the session ends. */
  ended(session: Session, reason: string): void
}

const none: Call[] = []
const lists: readonly Topic[] = ['tools', 'prompts', 'resources']
/** How many streams of requests are kept for their client to come back to. */
const maxChannels = 100

/**
 * One client of the legacy era, between its first message and its end: what it said of itself, what it watches, its
 * requests in flight, and its streams, which may come and go.
 */
export class Session implements Peer, Outlet, ChannelHome {
  readonly id: string
  /** What its event ids carry: the id, unless the client chose that, and may choose it again for another session. */
  readonly key: string
  /** Who opened it. Nobody else may use it. */
  readonly principal: string | undefined
  /** Until `initialize` says otherwise, and for clients that never send it: the first revision. */
  revision: Revision = '2024-11-05'
  clientInfo: Implementation | undefined
  clientCapabilities: ClientCapabilities = {}
  logLevel: LoggingLevel = 'info'
  /** The session's own channel: changes, and, where a request has none of its own, everything. */
  readonly channel: Channel
  /** How many of its HTTP requests are being answered: as long as there are any, the client is there. */
  openResponses = 0
  /** How long it is kept without a stream. */
  keepMs = 0
  /** While other nodes may not find it yet: settles when they do. */
  claimed: Promise<void> | undefined
  readonly changes: ChangeIndex
  readonly mailboxLimits: MailboxLimits
  readonly #home: SessionHome
  // Most sessions do nothing at most times, and then one thing: so they hold no map.
  #calls = none
  #asks: Asks | undefined
  #channels: Map<number, Channel> | undefined
  #lastChannel = 0
  /** The resources that it watches. */
  #uris: Set<string> | undefined
  #ready = false
  #ended = false

  constructor(id: string, principal: string | undefined, home: SessionHome, key = id) {
    this.id = id
    this.key = key
    this.principal = principal
    this.changes = home.changes
    this.mailboxLimits = home.mailboxLimits
    this.#home = home
    this.channel = new Channel(this)
  }

  get session(): Session {
    return this
  }

  /** Enough of the id to tell sessions apart in a log; the whole of it is a secret. */
  get label(): string {
    return this.id.slice(0, 8)
  }

  /** The request of this client that is being answered under the id. */
  callOf(id: RequestId): Call | undefined {
    const calls = this.#calls
    for (let i = 0; i < calls.length; i++) if (calls[i]!.request.id === id) return calls[i]
    return undefined
  }

  /** The requests to this client that it has not answered yet. */
  get asks(): Asks {
    return (this.#asks ??= new Asks())
  }

  get ended(): boolean {
    return this.#ended
  }

  /** What `initialize` says. A client that says it again begins anew: nothing else in flight, nothing watched. */
  initialize(
    revision: Revision,
    capabilities: ClientCapabilities,
    clientInfo: Implementation,
    id: RequestId,
  ): void {
    this.revision = revision
    this.clientCapabilities = capabilities
    this.clientInfo = clientInfo
    for (const call of [...this.#calls]) {
      if (call.request.id !== id) call.abort(new DOMException('The client initialized again', 'AbortError'))
    }
    this.#asks?.close('The client initialized again')
    this.channel.unwatchAll()
    this.#forgetUris()
    this.#ready = false
  }

  /** From here on the client is told when a list changes. Called when it has said, or shown, that it is ready. */
  ready(): void {
    if (this.#ready || this.#ended) return
    this.#ready = true
    for (const list of lists) this.channel.watch(list)
  }

  /** @throws {McpError} `invalidParams` when it watches as many resources as it may, or all clients together do. */
  watch(uri: string): void {
    if (this.#ended || this.#uris?.has(uri)) return
    const { subscriptions } = this.#home.limits
    const uris = (this.#uris ??= new Set<string>())
    const reached =
      uris.size >= subscriptions.max.perSession ? 'perSession' : subscriptions.reached(this.principal)
    if (reached !== undefined) throw subscriptions.refuse(reached).toMcpError(errorCodes.invalidParams)
    subscriptions.add(this.principal)
    uris.add(uri)
    this.channel.watch(uri)
  }

  unwatch(uri: string): void {
    if (!this.#uris?.delete(uri)) return
    this.#home.limits.subscriptions.release(this.principal)
    this.channel.unwatch(uri)
  }

  /** @throws {LimitError} when it may not have so many more requests in flight. */
  requireRoomFor(requests: number): void {
    const { requests: quota } = this.#home.limits
    if (requests > 0 && this.#calls.length + requests > quota.max.perSession) throw quota.refuse('perSession')
  }

  /** Sends a message, as JSON, on the session's own channel. */
  send(json: string, mergeKey?: string): void {
    if (!this.#ended) this.channel.send(json, mergeKey)
  }

  notify(method: NotificationToClient, params: object, mergeKey?: string): void {
    this.send(JSON.stringify({ jsonrpc: JSONRPC_VERSION, method, params }), mergeKey)
  }

  ask<M extends RequestToClient>(
    method: M,
    params: ParamsOf<M>,
    _key: string | undefined,
    signal: AbortSignal,
  ): Promise<ResultOf<M>> {
    return this.asks.ask(method, params, signal, (message) => this.send(JSON.stringify(message)))
  }

  closeStream(): void {
    // The session's own stream is not a response of this request.
  }

  /** Another channel, for a request that is answered by a stream of its own. */
  openChannel(): Channel {
    const channels = (this.#channels ??= new Map<number, Channel>())
    if (channels.size >= maxChannels) {
      const [oldest] = [...channels.values()].filter(({ attached }) => !attached)
      if (oldest !== undefined) this.#drop(oldest)
    }
    const channel = new Channel(this, ++this.#lastChannel)
    channels.set(channel.number!, channel)
    return channel
  }

  /** The channel of a number, the session's own without one. Undefined when it is no longer kept. */
  channelOf(number: number | undefined): Channel | undefined {
    return number === undefined ? this.channel : this.#channels?.get(number)
  }

  begun(call: Call): void {
    // An array that grows takes room for many more.
    if (this.#calls.length === 0) this.#calls = [call]
    else this.#calls.push(call)
    this.#home.begun(call)
  }

  over(call: Call): void {
    if (this.#calls.length === 1) this.#calls = none
    else this.#calls.splice(this.#calls.indexOf(call), 1)
    this.#home.over(call)
  }

  overflowed(channel: Channel): void {
    if (channel === this.channel) this.end('mailbox full')
    else this.#drop(channel, 'mailbox full')
  }

  attached(channel: Channel): void {
    if (channel === this.channel) this.#home.attached(this)
  }

  detached(channel: Channel): void {
    if (channel === this.channel) this.#home.detached(this)
  }

  /** Lets go of what was kept for the client's return for long enough. */
  trim(now: number): void {
    this.channel.trim(now)
    for (const channel of this.#channels?.values() ?? []) {
      channel.trim(now)
      if (channel.finished && channel.size === 0) this.#drop(channel)
    }
  }

  /** The client no longer wants the answer to a request. */
  cancel(id: RequestId, reason: string): void {
    this.callOf(id)?.abort(new DOMException(reason, 'AbortError'))
  }

  /** Ends the session: its requests are aborted, its streams are closed, and nothing of it is left. */
  end(reason: string): void {
    if (this.#ended) return
    this.#ended = true
    for (const call of [...this.#calls]) call.abort(new DOMException(reason, 'AbortError'))
    this.#asks?.close(reason)
    this.channel.end(reason)
    this.#forgetUris()
    for (const channel of [...(this.#channels?.values() ?? [])]) this.#drop(channel, reason)
    this.#home.ended(this, reason)
  }

  #forgetUris(): void {
    this.#home.limits.subscriptions.release(this.principal, this.#uris?.size ?? 0)
    this.#uris = undefined
  }

  #drop(channel: Channel, reason = 'no longer kept'): void {
    this.#channels?.delete(channel.number!)
    channel.end(reason)
  }
}
