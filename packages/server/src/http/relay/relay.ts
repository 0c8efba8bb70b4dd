import { randomBytes } from 'node:crypto'
import { headers, type JsonBounds, type RequestId } from '@tidings/protocol'
import { settledWithin } from '../../async/deadline.ts'
import type { Backplane, BackplaneNode, SessionPlace } from '../../backplane/backplane.ts'
import type { Limits } from '../../limits.ts'
import type { Logger } from '../../logger.ts'
import type { InFlight } from '../../quota.ts'
import { Refusal, stopping } from '../../refusal.ts'
import { mayHaveRun } from '../../sessions/may-have-run.ts'
import type { Sessions } from '../../sessions/sessions.ts'
import { EventStreams } from '../outgoing/event-stream.ts'
import { answerWithoutSocket } from '../transports/answer-without-socket.ts'
import type { TransportRequest } from '../transports/transport-request.ts'
import type { TransportResponse } from '../transports/transport-response.ts'
import type { Routes } from '../transports/transport.ts'
import { ForwardedRequest, type Forwarding } from './forwarded-request.ts'
import { decodeMail, encodeMail, type ForwardedHead, movedStatus, type RelayMail } from './mail.ts'
import { RelayedRequest } from './relayed-request.ts'
import { RelayedResponse } from './relayed-response.ts'

/** The headers that transports read. */
const forwardedHeaders = [
  'accept',
  'content-type',
  headers.sessionId.toLowerCase(),
  headers.protocolVersion.toLowerCase(),
  headers.lastEventId.toLowerCase(),
]

/** The time that the ends of streams have to be sent. */
const leaveWithinMs = 1_000

interface RelayOptions {
  backplane: Backplane
  node: string
  sessions: Sessions
  limits: Limits
  logger: Logger
  /** The bounds of the bodies of requests that other nodes send here. */
  bodyBounds: JsonBounds
  /** Ends what a principal has on this node. */
  endPrincipal(principal: string): void
}

/** The number of sessions elsewhere whose home is remembered. */
const maxHomes = 10_000

/**
 * Brings requests to the node where their session lives, their home. The node that a request comes to, its entry, has
 * identified the caller. The home answers the request as if it had come there, and the entry passes the response on, a stream
 * included.
 */
export class Relay implements BackplaneNode {
  readonly node: string
  readonly #options: RelayOptions
  /** Requests that came here and are answered elsewhere. */
  readonly #forwarded = new Map<number, ForwardedRequest>()
  /** Requests that are answered here and came elsewhere, by node and number. */
  readonly #served = new Map<string, RelayedResponse>()
  /** The streams of {@link #served}. Their entries keep them alive. */
  readonly #streams: EventStreams
  #lastRelayId = 0
  /** Requests that `InFlight` has counted, though they are forwarded again. */
  readonly #counted = new WeakSet<TransportRequest>()
  /** The homes of sessions that live elsewhere, as far as they are known: the latest last. */
  readonly #homes = new Map<string, string>()
  /** Sessions that are being looked up. */
  readonly #lookups = new Map<string, Promise<string | undefined>>()
  #routes: Routes | undefined
  #left = false

  constructor(options: RelayOptions) {
    this.node = options.node
    this.#options = options
    this.#streams = new EventStreams(Infinity, options.limits)
  }

  /** @param routes answer the requests that come from other nodes. */
  async join(routes: Routes): Promise<void> {
    this.#routes = routes
    await this.#options.backplane.join(this)
  }

  /**
   * Has the request answered by another node.
   *
   * @returns `answered`; `moved` when the session has another home by now; `gone` when the home has left or died before it
   * took anything to answer: then the request is as if it had just come.
   * @throws {Refusal} 503 when this node is stopping; 502 when the home is gone, and the requests in it may have run.
   * @throws {LimitError} when too many requests are in flight.
   */
  async forward(
    home: string,
    request: TransportRequest,
    response: TransportResponse,
    inFlight?: InFlight,
  ): Promise<Forwarding> {
    const { body } = request
    const requests = requestsIn(body)
    if (requests > 0 && !this.#counted.has(request)) inFlight?.take(requests)
    this.#counted.add(request)
    const relayId = ++this.#lastRelayId
    const forwarded = new ForwardedRequest(home, response, request.principal, (mail) =>
      this.#send(home, { ...mail, relayId }),
    )
    this.#forwarded.set(relayId, forwarded)
    response.whenClosed(() => this.#forwarded.delete(relayId))
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    this.#send(home, { kind: 'request', relayId, request: headOf(request) }, bytes)
    const outcome = await forwarded.answered
    if (outcome === 'answered') return outcome
    this.#forwarded.delete(relayId)
    if (outcome === 'gone') {
      if (this.#options.sessions.closing) throw stopping()
      if (requests > 0 && !isPing(body)) throw mayHaveRun((body as { id?: RequestId }).id)
    }
    return outcome
  }

  /** Mail that cannot be understood, or comes out of turn, is of a node that is broken or not ours, and changes nothing here. */
  receive(from: string, bytes: Uint8Array): void {
    try {
      this.#receive(from, bytes)
    } catch (err) {
      this.#options.logger.error({ err, from }, 'mail of another node cannot be acted on')
    }
  }

  #receive(from: string, bytes: Uint8Array): void {
    const decoded = decodeMail(bytes)
    if (decoded === undefined) {
      const start = Buffer.from(bytes.subarray(0, 200)).toString('latin1')
      this.#options.logger.warn({ from, start }, 'another node has sent something that is no mail')
      return
    }
    const [mail, body] = decoded
    if (mail.kind === 'reset') return this.#drop(from)
    if (mail.kind === 'end-principal') return this.#options.endPrincipal(mail.principal)
    const { relayId } = mail
    const served = this.#served.get(`${from} ${relayId}`)
    if (mail.kind === 'request') return this.#serve(from, relayId, mail.request, body)
    if (mail.kind === 'taken') return served?.taken(mail.bytes)
    if (mail.kind === 'left') return served?.left()
    const forwarded = this.#forwarded.get(relayId)
    if (forwarded?.home === from) forwarded.receive(mail, body)
    else if (mail.kind === 'stream' || mail.kind === 'frames') this.#send(from, { kind: 'left', relayId })
  }

  gone(node: string): void {
    for (const [id, home] of this.#homes) if (home === node) this.#homes.delete(id)
    this.#drop(node)
    this.#send(node, { kind: 'reset' })
  }

  displaced(): void {
    this.#homes.clear()
    this.#options.sessions.reclaim()
  }

  /** Ends what the principal has on all other nodes. */
  endElsewhere(principal: string): void {
    for (const node of this.#options.backplane.nodes()) {
      if (node !== this.node) this.#send(node, { kind: 'end-principal', principal })
    }
  }

  /** Waits for the answers of other nodes, until the deadline. */
  drain(deadlineMs: number): Promise<void> {
    return settledWithin(
      deadlineMs,
      [...this.#forwarded.values()].map(({ answered }) => answered),
    )
  }

  /** Leaves, when all sessions have ended. Clients of sessions elsewhere that were served here come back to another node. */
  async close(): Promise<void> {
    this.#left = true
    const ended = [...this.#served.values()].map(
      (response) => new Promise<void>((resolve) => response.whenClosed(resolve)),
    )
    await settledWithin(leaveWithinMs, ended)
    for (const forwarded of this.#forwarded.values()) forwarded.stop('server stopping')
    for (const response of this.#served.values()) response.cut()
    // A backplane that does not answer finds out by the lease, and does not keep the server from stopping.
    const leaving = this.#options.backplane.leave(this.node).catch((err: unknown) => {
      this.#options.logger.warn({ err }, 'the backplane was not told that this node leaves')
    })
    await settledWithin(leaveWithinMs, [leaving])
  }

  /**
   * The other node where a session lives. Undefined when it lives here, or nowhere. A session without a home is adopted.
   *
   * @param opens whether the request opens the session unless it is open.
   * @throws {Refusal} 503 when it cannot be found out; 421 when another node sent the request, and the session is not here.
   */
  async otherHomeOf(
    id: string,
    opens: boolean,
    request: TransportRequest,
    response: TransportResponse,
  ): Promise<string | undefined> {
    const { backplane, sessions } = this.#options
    // No answer of another node reaches this one any more.
    if (this.#left) throw stopping()
    // Another node may have adopted the sessions of this one. Without the backplane nobody can have.
    await backplane.certain(this.node)?.catch(() => {})
    await sessions.reclaiming
    if (sessions.has(id)) return undefined
    const isRelayed = request instanceof RelayedRequest
    const known = isRelayed ? undefined : this.#homes.get(id)
    if (known !== undefined) return known
    // A node that stops adopts nothing.
    if (sessions.closing) throw stopping()
    const home = await this.#lookUp(id, opens, response)
    if (home === undefined || home === this.node || sessions.has(id)) return undefined
    if (isRelayed) throw moved()
    this.remember(id, home)
    return home
  }

  /** The session lives at another node. */
  remember(id: string, home: string): void {
    this.#homes.delete(id)
    this.#homes.set(id, home)
    if (this.#homes.size > maxHomes) this.#homes.delete(this.#homes.keys().next().value!)
  }

  /** True when no other node can have adopted sessions of this one. */
  get isCertain(): boolean {
    const { backplane, sessions } = this.#options
    const doubt = backplane.certain(this.node)
    doubt?.catch(() => {})
    return doubt === undefined && sessions.reclaiming === undefined
  }

  /** The session is not where it was: it has to be looked up again. */
  forget(id: string): void {
    this.#homes.delete(id)
  }

  /** @throws {Refusal | LimitError} when it cannot be found out, or there is no room to adopt it. */
  async #lookUp(id: string, opens: boolean, response: TransportResponse): Promise<string | undefined> {
    // One at a time: what is adopted must not be adopted again meanwhile.
    const former = this.#lookups.get(id)
    const lookup = (former?.catch(() => {}) ?? Promise.resolve()).then(() =>
      this.#placeOf(id, opens, response),
    )
    this.#lookups.set(id, lookup)
    try {
      return await lookup
    } finally {
      if (this.#lookups.get(id) === lookup) this.#lookups.delete(id)
    }
  }

  async #placeOf(id: string, opens: boolean, response: TransportResponse): Promise<string | undefined> {
    const { backplane, sessions, logger } = this.#options
    if (sessions.has(id)) return undefined
    let place: SessionPlace | undefined
    try {
      place = await backplane.adopt(id, this.node)
      // After `adopt` has failed where the session may be open all the same.
      if (place === undefined && opens) place = await backplane.claim(id, this.node, sessions.idleTimeoutMs)
    } catch (err) {
      logger.error({ err }, 'a session cannot be looked up')
      throw unavailable()
    }
    if (place?.home !== this.node) return place?.home
    if (place.record !== undefined) {
      if (!sessions.restore(id, place.record)) backplane.release(id, this.node)
    } else if (opens) {
      // In case no session comes of it.
      response.whenClosed(() => {
        if (!sessions.has(id)) backplane.release(id, this.node)
      })
    }
    return undefined
  }

  #serve(from: string, relayId: number, head: ForwardedHead, body: Buffer): void {
    const key = `${from} ${relayId}`
    const request = new RelayedRequest(head, body, this.#options.bodyBounds)
    const response = new RelayedResponse(
      (mail, bytes) => this.#send(from, { ...mail, relayId }, bytes),
      this.#streams,
    )
    this.#served.set(key, response)
    response.whenClosed(() => this.#served.delete(key))
    void answerWithoutSocket(this.#routes!, request, response, this.#options.logger)
  }

  #send(to: string, mail: RelayMail, bytes?: Buffer): void {
    this.#options.backplane.send(this.node, to, encodeMail(mail, bytes)).catch((err: unknown) => {
      this.#options.logger.debug({ err, to }, 'mail to another node is lost')
      this.#drop(to)
    })
  }

  /** All that is under way between this node and the other has come to nothing. */
  #drop(node: string): void {
    for (const [relayId, forwarded] of this.#forwarded) {
      if (forwarded.home !== node) continue
      this.#forwarded.delete(relayId)
      forwarded.fail()
    }
    for (const [key, response] of this.#served) if (key.startsWith(`${node} `)) response.left()
  }
}

export function newNode(): string {
  return randomBytes(12).toString('base64url')
}

function headOf(request: TransportRequest): ForwardedHead {
  const { method, path, querystring, prefix, principal, body } = request
  return {
    method,
    path,
    querystring,
    prefix,
    headers: headersOf(request),
    ...(principal !== undefined && { principal }),
    hasBody: body !== undefined,
  }
}

function headersOf(request: TransportRequest): Record<string, string> {
  const values: Record<string, string> = {}
  for (const name of forwardedHeaders) {
    const value = request.header(name)
    if (value !== undefined) values[name] = value
  }
  return values
}

function moved(): Refusal {
  return new Refusal(movedStatus, 'The session has another home')
}

function unavailable(): Refusal {
  return new Refusal(503, 'The session cannot be found just now', { retry: true })
}

/**
 * The number of requests in a body that may not have been checked. A message that wants no response is free once it is
 * taken, so a client can always cancel, and answer requests of the server. A listen request is counted as a stream.
 */
function requestsIn(body: unknown): number {
  return Array.isArray(body) ? body.filter(isCounted).length : Number(isCounted(body))
}

/** Clients ask by it whether their session goes on, and it does nothing: it can be answered by whoever takes the session over. */
function isPing(body: unknown): boolean {
  return (body as { method?: unknown }).method === 'ping'
}

function isCounted(message: unknown): boolean {
  const { id, method } = (message ?? {}) as { id?: unknown; method?: unknown }
  return id !== undefined && typeof method === 'string' && method !== 'subscriptions/listen'
}
