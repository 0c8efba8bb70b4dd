import { randomBytes } from 'node:crypto'
import { headers, type JsonBounds } from '@tidings/protocol'
import { settledWithin } from '../../async/deadline.ts'
import type { Backplane, BackplaneNode } from '../../backplane/backplane.ts'
import type { Limits } from '../../limits.ts'
import type { Logger } from '../../logger.ts'
import type { InFlight } from '../../quota.ts'
import { Refusal, stopping } from '../../refusal.ts'
import type { Sessions } from '../../sessions/sessions.ts'
import { EventStreams } from '../outgoing/event-stream.ts'
import { answerWithoutSocket } from '../transports/answer-without-socket.ts'
import type { TransportRequest } from '../transports/transport-request.ts'
import type { TransportResponse } from '../transports/transport-response.ts'
import type { Routes } from '../transports/transport.ts'
import { ForwardedRequest } from './forwarded-request.ts'
import { decodeMail, encodeMail, type ForwardedHead, type RelayMail } from './mail.ts'
import { RelayedRequest } from './relayed-request.ts'
import { RelayedResponse } from './relayed-response.ts'

/** The headers that transports read. */
const forwardedHeaders = [
  'Accept',
  'Content-Type',
  headers.sessionId,
  headers.protocolVersion,
  headers.lastEventId,
]

const keepMs = 60_000

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
}

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
  #routes: Routes | undefined

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
   * @returns false when it is to be answered here: there is no such node, or it is gone.
   * @throws {Refusal} 503 when this node is stopping.
   * @throws {LimitError} when too many requests are in flight.
   */
  async forward(
    home: string | undefined,
    request: TransportRequest,
    response: TransportResponse,
    inFlight?: InFlight,
  ): Promise<boolean> {
    if (home === undefined) return false
    const { body } = request
    const requests = requestsIn(body)
    if (requests > 0) inFlight?.take(requests)
    const relayId = ++this.#lastRelayId
    const forwarded = new ForwardedRequest(home, response, request.principal, (mail) =>
      this.#send(home, { ...mail, relayId }),
    )
    this.#forwarded.set(relayId, forwarded)
    response.whenClosed(() => this.#forwarded.delete(relayId))
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    this.#send(home, { kind: 'request', relayId, request: headOf(request) }, bytes)
    if (await forwarded.answered) return true
    if (this.#options.sessions.closing) throw stopping()
    return false
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
    this.#drop(node)
    this.#send(node, { kind: 'reset' })
  }

  displaced(): void {
    // FIXME(sessions)
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
    const ended = [...this.#served.values()].map(
      (response) => new Promise<void>((resolve) => response.whenClosed(resolve)),
    )
    await settledWithin(leaveWithinMs, ended)
    for (const forwarded of this.#forwarded.values()) forwarded.stop('server stopping')
    for (const response of this.#served.values()) response.cut()
    await this.#options.backplane.leave(this.node)
  }

  /**
   * The other node where a session lives. Undefined when there is none: the request is to be answered here.
   *
   * @param opens whether the request opens the session unless it is open.
   * @throws {Refusal} 503 when it cannot be found out.
   */
  async otherHomeOf(
    id: string,
    opens: boolean,
    request: TransportRequest,
    response: TransportResponse,
  ): Promise<string | undefined> {
    const { logger, sessions } = this.#options
    let home: string | undefined
    try {
      home = await this.#homeOf(id, opens, response)
    } catch (err) {
      logger.error({ err }, 'a session cannot be looked up')
      throw unavailable()
    }
    if (home === undefined || home === this.node || sessions.has(id)) return undefined
    // The session was here a moment ago.
    if (request instanceof RelayedRequest) throw unavailable()
    return home
  }

  async #homeOf(id: string, opens: boolean, response: TransportResponse): Promise<string | undefined> {
    const { backplane, sessions } = this.#options
    if (!opens) return (await backplane.adopt(id, this.node))?.home
    const { home } = await backplane.claim(id, this.node, keepMs)
    if (home === this.node) {
      // In case no session comes of it.
      response.whenClosed(() => {
        if (!sessions.has(id)) backplane.release(id, this.node)
      })
    }
    return home
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
    headers: Object.fromEntries(
      forwardedHeaders.flatMap((name) => {
        const value = request.header(name)
        return value === undefined ? [] : [[name.toLowerCase(), value]]
      }),
    ),
    ...(principal !== undefined && { principal }),
    hasBody: body !== undefined,
  }
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

function isCounted(message: unknown): boolean {
  const { id, method } = (message ?? {}) as { id?: unknown; method?: unknown }
  return id !== undefined && typeof method === 'string' && method !== 'subscriptions/listen'
}
