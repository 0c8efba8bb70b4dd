import {
  type ClientCapabilities,
  errorCodes,
  type Implementation,
  type LegacyRevision,
  listNames,
  type LoggingLevel,
  McpError,
  type ParamsOf,
  type RequestId,
  type RequestToClient,
  type ResultOf,
  type Revision,
} from '@tidings/protocol'
import { type Keeper, letOldestGo, slackOf } from '../byte-quota.ts'
import { bytesOf } from '../bytes-of.ts'
import type { ChangeIndex } from '../changes/change-index.ts'
import { bytesOfWatch, isUri, topicKey } from '../changes/topic.ts'
import type { Limits } from '../limits.ts'
import type { Call } from '../requests/call.ts'
import { ClientRequests, type QuestionPath } from '../requests/client-requests.ts'
import type { Outlet, PeerSession } from '../requests/peer.ts'
import type { Principal } from '../requests/principal.ts'
import type { LimitScope } from '../quota.ts'
import { Channel, type ChannelOwner } from './channel.ts'
import type { EventId } from './event-id.ts'
import type { MailboxLimits } from './mailbox.ts'
import { mayHaveRunError, mayHaveRunMessage } from './may-have-run.ts'
import { RequestChannels } from './request-channels.ts'
import type { SessionRecord, SessionTransport } from './session-record.ts'
import { WatchedUris } from './watched-uris.ts'

/** The fixed part of a session. */
export interface SessionIdentity {
  readonly id: string
  /** The part of its event ids that names the session: the id, unless the client chose that and may choose it again. */
  readonly key: string
  readonly transport: SessionTransport
  /** The caller that opened the session. Nobody else may use it. */
  readonly principal: Principal
}

/** The server side of a session, as the session sees it. */
export interface SessionOwner {
  readonly changes: ChangeIndex
  readonly mailboxLimits: MailboxLimits
  readonly limits: Limits
  /** Called when a session gets a stream of its own. */
  attached(session: Session): void
  /** Called when a session loses its stream. */
  detached(session: Session): void
  /** Called when the server begins to answer a request, and when it is done. */
  begun(call: Call): void
  over(call: Call): void
  /** Called when something of the session has changed that its client counts on: it is to be stored. */
  changed(session: Session): void
  /** Called when messages wait, or requests take long: that is to be stored soon. */
  changesSoon(session: Session): void
  /**
   * Called once, when the session ends.
   *
   * @param isElsewhere the session goes on at another node.
   */
  ended(session: Session, reason: string, isElsewhere: boolean): void
}

const noCalls: Call[] = []
/** The bytes that a client may say of itself: its `clientInfo` and its capabilities, as JSON. */
const maxAboutBytes = 16 * 1024
/** Shorter than any id of a session that lasts. */
export const transientId = 'transient'

/**
 * One client of the legacy era, between its first message and its end: what it said of itself, what it watches, its
 * requests in flight, and its streams, which may come and go.
 */
export class Session implements PeerSession, Outlet, QuestionPath, ChannelOwner, Keeper {
  readonly id: string
  readonly key: string
  readonly transport: SessionTransport
  readonly principal: Principal
  /** The first revision, until `initialize` says otherwise, and for clients that never send it. */
  revision: Revision = '2024-11-05'
  #logLevel: LoggingLevel = 'info'
  abandonedCalls = 0
  /** The session's own channel: changes, and all messages of requests that have no channel of their own. */
  readonly channel: Channel
  /** Settles when other nodes can find the session; undefined from then on. */
  claimed: Promise<void> | undefined
  /**
   * Settles when the backplane has what the session is now, or has not been reached: then it rejects. Undefined when nothing
   * is to be stored.
   */
  stored: Promise<void> | undefined
  /** The write to the backplane that is under way. */
  storing: Promise<void> | undefined
  /** True when the last write to the backplane has failed: it has not what the session is. */
  isBehind = false
  /** True once this node is known to be the home. */
  isClaimed = false
  readonly changes: ChangeIndex
  readonly mailboxLimits: MailboxLimits
  readonly #owner: SessionOwner
  /** What the client said of itself, as JSON: as objects it could take many times as much. */
  #about: string | undefined
  #bytes = 0
  // Most sessions do nothing at most times, and then one thing: so they hold no map.
  #calls = noCalls
  #clientRequests: ClientRequests | undefined
  #channels: RequestChannels | undefined
  #openResponses = 0
  #watchedUris: WatchedUris | undefined
  #ready = false
  #ended = false

  constructor({ id, key, transport, principal }: SessionIdentity, owner: SessionOwner) {
    this.id = id
    this.key = key
    this.transport = transport
    this.principal = principal
    this.changes = owner.changes
    this.mailboxLimits = owner.mailboxLimits
    this.#owner = owner
    this.channel = new Channel(this)
  }

  get session(): Session {
    return this
  }

  /** Enough of the id to tell sessions apart in a log. The whole id is a secret. */
  get label(): string {
    return this.id.slice(0, 8)
  }

  get isTransient(): boolean {
    return this.id === transientId
  }

  /** True when the client has said who it is. */
  get isInitialized(): boolean {
    return this.#about !== undefined
  }

  get clientInfo(): Implementation | undefined {
    return this.#told?.clientInfo
  }

  get clientCapabilities(): ClientCapabilities {
    return this.#told?.capabilities ?? {}
  }

  get logLevel(): LoggingLevel {
    return this.#logLevel
  }

  set logLevel(level: LoggingLevel) {
    this.#logLevel = level
    this.#owner.changed(this)
  }

  get clientRequests(): ClientRequests {
    return (this.#clientRequests ??= new ClientRequests())
  }

  get ended(): boolean {
    return this.#ended
  }

  /** True while an HTTP request of the client is being answered: then the client is there. */
  get isAnswering(): boolean {
    return this.#openResponses > 0
  }

  whenStored(): Promise<void> | undefined {
    if (this.isBehind) this.#owner.changed(this)
    return this.stored ?? this.storing
  }

  /** True when no request waits for its answer. */
  get isIdle(): boolean {
    return this.#calls.length === 0 && !this.isAnswering
  }

  /** The request of this client that is being answered under the id. */
  callOf(id: RequestId): Call | undefined {
    const calls = this.#calls
    for (let i = 0; i < calls.length; i++) if (calls[i]!.request.id === id) return calls[i]
    return undefined
  }

  requireNewId(id: RequestId): void {
    if (this.callOf(id) === undefined) return
    const message = `A request with the id ${JSON.stringify(id)} is in flight already`
    throw new McpError(errorCodes.invalidRequest, message)
  }

  /**
   * A client that initializes again begins anew: its other requests are aborted and its watches end.
   *
   * @throws {McpError} when it says more of itself than it may, or there is no room for it.
   */
  initialize(
    revision: Revision,
    capabilities: ClientCapabilities,
    clientInfo: Implementation,
    id: RequestId,
  ): void {
    const about = JSON.stringify({ clientInfo, capabilities })
    const bytes = bytesOf(about)
    if (bytes > maxAboutBytes) {
      const message = `clientInfo and capabilities must not take more than ${maxAboutBytes} bytes, got ${bytes}`
      throw new McpError(errorCodes.invalidParams, message)
    }
    const more = bytes - (this.#about === undefined ? 0 : bytesOf(this.#about))
    this.#requireRoom(more, errorCodes.invalidRequest)
    this.holds(more, 0)
    this.#about = about
    this.revision = revision
    for (const call of [...this.#calls]) {
      if (call.request.id !== id) call.abort(new DOMException('The client initialized again', 'AbortError'))
    }
    this.#clientRequests?.close('The client initialized again')
    this.channel.unwatchAll()
    this.#watchedUris?.clear()
    this.#watchedUris = undefined
    this.#ready = false
    this.#owner.changed(this)
  }

  /** Is not stored again: the record of who has initialized watches the lists already. */
  ready(): void {
    if (this.#ready || this.#ended) return
    this.#ready = true
    for (const list of listNames) this.channel.watch(list)
  }

  watch(uri: string): void {
    const key = topicKey(uri)
    if (this.#ended) return
    // Another home, of which this node does not know yet, may have ended the watch: storing it finds out.
    if (this.#watchedUris?.has(key)) return this.#owner.changed(this)
    const { limits } = this.#owner
    const uris = this.#watchedUris ?? new WatchedUris(this, limits)
    const reached = uris.reached
    if (reached !== undefined) throw limits.subscriptions.refuse(reached).toMcpError(errorCodes.invalidParams)
    this.#requireRoom(bytesOfWatch(key), errorCodes.invalidParams)
    uris.add(key)
    this.#watchedUris = uris
    this.channel.watch(uri)
    this.#owner.changed(this)
  }

  unwatch(uri: string): void {
    const key = topicKey(uri)
    if (!this.#watchedUris?.delete(key)) return this.#owner.changed(this)
    this.channel.unwatch(uri)
    this.#owner.changed(this)
  }

  requireRoomFor(requests: number): void {
    const { requests: quota } = this.#owner.limits
    const running = this.#calls.length + this.abandonedCalls
    if (requests > 0 && running + requests > quota.max.perSession) throw quota.refuse('perSession')
  }

  /** Sends a message, as JSON, on the session's own channel. */
  send(json: string, mergeKey?: string): void {
    if (!this.#ended) this.channel.send(json, mergeKey)
  }

  request<M extends RequestToClient>(
    method: M,
    params: ParamsOf<M>,
    _key: string | undefined,
    call: Call,
  ): Promise<ResultOf<M>> {
    return this.clientRequests.request(method, params, call, this)
  }

  isLost(askedAt: number, now: number): boolean {
    return this.channel.isLost(askedAt, now)
  }

  keepAlive(): void {
    // The session's own stream is kept alive whether a request takes long or not.
  }

  closeStream(): void {
    // The session's own stream is not the response of this request.
  }

  /** The HTTP response of a request is open from here on, until `responseEnded`. */
  responseOpened(): void {
    this.#openResponses++
  }

  responseEnded(): void {
    this.#openResponses--
  }

  /** Opens another channel, for requests that are answered with a stream of their own. */
  openChannel(requests: readonly RequestId[]): Channel {
    const channel = (this.#channels ??= new RequestChannels(this)).open(requests)
    if (requests.length > 0) this.#owner.changesSoon(this)
    return channel
  }

  /** The channel that an event id names: the session's own for an id of another session. Undefined when it is gone. */
  channelOf(eventId: EventId | undefined): Channel | undefined {
    if (eventId?.session !== this.key || eventId.channel === undefined) return this.channel
    return this.#channels?.get(eventId.channel)
  }

  /**
   * Goes back to where a returning client left off.
   *
   * @returns `resumed` when nothing is lost, `lost` when messages that the client lacks are gone, and `unknown` when the id
   * does not tell what the client was sent: then everything that changed since its watches began is told again.
   */
  resume(channel: Channel, eventId: EventId | undefined): 'resumed' | 'lost' | 'unknown' {
    const isOfSession = eventId?.session === this.key && eventId.channel === channel.number
    if (isOfSession && channel.rewind(eventId)) return 'resumed'
    if (isOfSession) return 'lost'
    channel.rewindToBeginning()
    return 'unknown'
  }

  begun(call: Call): void {
    // An array that grows takes room for many more.
    if (this.#calls.length === 0) this.#calls = [call]
    else this.#calls.push(call)
    this.#owner.begun(call)
  }

  over(call: Call): void {
    if (this.#calls.length === 1) this.#calls = noCalls
    else this.#calls.splice(this.#calls.indexOf(call), 1)
    this.#owner.over(call)
  }

  holds(bytes: number, kept: number): void {
    this.#bytes += bytes
    this.#owner.limits.bytes.change(this.principal, bytes, kept)
  }

  hasRoom(): boolean {
    return this.#reached(0) === undefined
  }

  overflowed(channel: Channel): void {
    if (channel === this.channel) this.end('mailbox full')
    else this.#channels?.drop(channel, 'mailbox full')
  }

  attached(channel: Channel): void {
    if (channel === this.channel) this.#owner.attached(this)
  }

  detached(channel: Channel): void {
    if (channel === this.channel) this.#owner.detached(this)
  }

  mailWaits(): void {
    this.#owner.changesSoon(this)
  }

  /** Requests take long whose answers go to the session's own stream, or answers wait for that stream. */
  waitsForAnswers(): void {
    this.#owner.changed(this)
  }

  /** All that another node needs to go on where this one is. */
  get record(): SessionRecord {
    const { key, transport, principal, channel, logLevel } = this
    // Over the other transports an answer is the HTTP response, which the client loses with the node.
    const requests = transport === 'http+sse' ? this.#calls.map(({ request }) => request.id) : []
    const { watches, ...rest } = channel.record
    // A client that initializes is ready soon, and nothing is written then.
    const soon = this.isInitialized && !this.#ready ? listNames : []
    const lists = soon.map((list) => [list, this.changes.seq] as const)
    return {
      version: 1,
      key,
      transport,
      principal,
      revision: this.revision as LegacyRevision,
      about: this.#about,
      logLevel,
      channel: { ...rest, watches: [...watches, ...lists] },
      requests,
      lastStream: this.#channels?.lastNumber ?? 0,
      streams: this.#channels?.records ?? [],
    }
  }

  /**
   * Goes on where another node was. Requests that were in flight there are answered with an error: nobody knows how far they
   * have come.
   */
  restore(record: SessionRecord): void {
    this.revision = record.revision
    this.#logLevel = record.logLevel
    this.#about = record.about
    if (this.#about !== undefined) this.holds(bytesOf(this.#about), 0)
    this.channel.restore(record.channel)
    const isSameOrder = record.channel.epoch === this.changes.epoch
    for (const [topic, since] of record.channel.watches) {
      if (isUri(topic)) (this.#watchedUris ??= new WatchedUris(this, this.#owner.limits)).add(topicKey(topic))
      else this.#ready = true
      this.channel.watch(topic, isSameOrder ? since : 0)
    }
    if (!isSameOrder) this.channel.doubt()
    for (const id of record.requests) this.channel.send(mayHaveRunMessage(id))
    if (record.lastStream === 0) return
    this.#channels = new RequestChannels(this)
    this.#channels.restore(record.channel, record.lastStream, record.streams)
  }

  /** Drops messages that were kept for the client's return for long enough. */
  trim(now: number): void {
    this.channel.trim(now)
    this.#channels?.trim(now)
  }

  get keptSince(): number {
    return Math.min(...this.#allChannels().map(({ keptSince }) => keptSince))
  }

  letGo(time: number): number {
    return this.#allChannels().reduce((bytes, channel) => bytes + channel.letGo(time), 0)
  }

  cancel(id: RequestId, reason: string): void {
    this.callOf(id)?.abort(new DOMException(reason, 'AbortError'))
  }

  /**
   * Ends the session: its requests are aborted, its streams are closed, and nothing of it is left here.
   *
   * @param isElsewhere the session goes on at another node.
   */
  end(reason: string, isElsewhere = false): void {
    if (this.#ended) return
    this.#ended = true
    const outcome = isElsewhere ? { error: mayHaveRunError() } : undefined
    for (const call of [...this.#calls]) call.abort(new DOMException(reason, 'AbortError'), outcome)
    this.#clientRequests?.close(reason)
    this.channel.end(reason)
    this.#watchedUris?.clear()
    this.#watchedUris = undefined
    this.#channels?.end(reason)
    if (this.#about !== undefined) this.holds(-bytesOf(this.#about), 0)
    this.#owner.ended(this, reason, isElsewhere)
  }

  /** What the client said of itself. Read seldom, and then parsed again. */
  get #told(): { clientInfo: Implementation; capabilities: ClientCapabilities } | undefined {
    return this.#about === undefined ? undefined : (JSON.parse(this.#about) as never)
  }

  #allChannels(): Channel[] {
    return this.#channels === undefined ? [this.channel] : [this.channel, ...this.#channels.all]
  }

  /** The limit that does not allow so many bytes more, though kept messages were let go. Undefined when all do. */
  #reached(bytes: number): LimitScope | undefined {
    const { bytes: quota } = this.#owner.limits
    const { perSession } = quota.max
    const over = this.#bytes + bytes - perSession
    if (over > 0) letOldestGo(this.#allChannels(), over + slackOf(perSession))
    return this.#bytes + bytes > perSession ? 'perSession' : quota.reached(this.principal, bytes)
  }

  /** @throws {McpError} of the code when a limit does not allow so many bytes more. */
  #requireRoom(bytes: number, code: number): void {
    const reached = this.#reached(bytes)
    if (reached !== undefined) throw this.#owner.limits.bytes.refuse(reached).toMcpError(code)
  }
}
