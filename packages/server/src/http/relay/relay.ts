import { randomBytes } from 'node:crypto'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { headers, parseJson } from '@tidings/protocol'
import Koa, { type Context } from 'koa'
import type { Backplane, BackplaneNode } from '../../backplane/backplane.ts'
import type { Logger } from '../../logger.ts'
import type { Sessions } from '../../sessions/sessions.ts'
import { within } from '../../async/deadline.ts'
import type { Transport, Principal } from '../transports/transport.ts'
import { Entry } from './forwarded-request.ts'
import { refuse, refuseSession } from '../outgoing/refuse.ts'
import { decodeMail, encodeMail, type RelayedRequest, type RelayMail } from './mail.ts'
import { RelayedResponse } from './relayed-response.ts'
import { whenClosed } from '../outgoing/when-closed.ts'

// All that a transport reads.
const relayedHeaders = [
  'Accept',
  'Content-Type',
  headers.sessionId,
  headers.protocolVersion,
  headers.lastEventId,
]

/** How long the ends of streams have to be sent. */
const leaveWithinMs = 1_000

export interface RelayOptions {
  backplane: Backplane
  node: string
  sessions: Sessions
  logger: Logger
}

/**
 * Brings requests to the node where their session lives. The node that a request comes to (its entry) has checked who
 * sends it; the home of the session answers it as if it had come there, and the entry passes the answer on, a stream
 * included.
 */
export class Relay implements BackplaneNode {
  readonly node: string
  readonly #options: RelayOptions
  /** Requests that came here and are answered elsewhere. */
  readonly #entries = new Map<number, Entry>()
  /** Requests that are answered here and came elsewhere, by the node and its number. */
  readonly #served = new Map<string, RelayedResponse>()
  readonly #principals = new WeakMap<IncomingMessage, { principal: Principal }>()
  #lastExchange = 0
  #answer: ((req: IncomingMessage, res: RelayedResponse) => void) | undefined

  constructor(options: RelayOptions) {
    this.node = options.node
    this.#options = options
  }

  /** @param routes answers what comes from other nodes. */
  async join(routes: (ctx: Context) => Promise<void> | void): Promise<void> {
    const app = new Koa()
    app.on('error', (err: Error) => this.#options.logger.error({ err }, 'request failed'))
    app.use((ctx) => {
      const { originalUrl, body } = ctx.req as IncomingMessage & { originalUrl: string; body?: unknown }
      ctx.originalUrl = originalUrl
      if (body !== undefined) Object.assign(ctx.request, { body })
      return routes(ctx)
    })
    const answer = app.callback()
    this.#answer = (req, res) => void answer(req, res)
    await this.#options.backplane.join(this)
  }

  /** Who sends a request that came to another node; undefined for one that came here. */
  relayed(ctx: Context): { principal: Principal } | undefined {
    return this.#principals.get(ctx.req)
  }

  /**
   * Has the request answered by the node where its session lives, if that is another.
   *
   * @returns undefined when it is to be answered here, and a promise when that has to be found out: of false when here.
   */
  answer(
    ctx: Context,
    transport: Transport,
    principal: Principal,
    body?: unknown,
  ): Promise<boolean> | undefined {
    const id = transport.sessionOf(ctx, body)
    if (id === undefined || this.#options.sessions.has(id)) return undefined
    return this.#answerElsewhere(
      ctx,
      id,
      transport.opensByName === true && ctx.method !== 'DELETE',
      principal,
      body,
    )
  }

  async #answerElsewhere(
    ctx: Context,
    id: string,
    opens: boolean,
    principal: Principal,
    body: unknown,
  ): Promise<boolean> {
    const { logger, sessions } = this.#options
    let home: string | undefined
    try {
      home = await this.#homeOf(ctx, id, opens)
    } catch (err) {
      logger.error({ err }, 'a session cannot be looked up')
      unavailable(ctx)
      return true
    }
    if (home === undefined || home === this.node || sessions.has(id)) return false
    if (this.relayed(ctx) !== undefined) {
      // It was here a moment ago.
      unavailable(ctx)
      return true
    }
    const exchange = ++this.#lastExchange
    const entry = new Entry(ctx, home, (mail) => this.#send(home, { ...mail, exchange }))
    this.#entries.set(exchange, entry)
    whenClosed(ctx, () => this.#entries.delete(exchange))
    const request = {
      method: ctx.method,
      url: ctx.url,
      originalUrl: ctx.originalUrl,
      headers: Object.fromEntries(
        relayedHeaders.flatMap((name) => (ctx.get(name) === '' ? [] : [[name.toLowerCase(), ctx.get(name)]])),
      ),
      ...(principal !== undefined && { principal }),
      hasBody: body !== undefined,
    }
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    this.#send(home, { kind: 'request', exchange, request }, bytes)
    if (await entry.answered) return true
    if (!sessions.closing) return false
    refuseSession(ctx, 'closing')
    return true
  }

  receive(from: string, bytes: Uint8Array): void {
    const [mail, body] = decodeMail(bytes)
    if (mail.kind === 'reset') return this.#drop(from)
    const { exchange } = mail
    if (mail.kind === 'request') return this.#serve(from, exchange, mail.request, body)
    if (mail.kind === 'taken') return this.#served.get(`${from} ${exchange}`)?.taken(mail.bytes)
    if (mail.kind === 'left') return this.#served.get(`${from} ${exchange}`)?.left()
    const entry = this.#entries.get(exchange)
    if (entry?.home === from) entry.receive(mail, body)
    else if (mail.kind !== 'end' && mail.kind !== 'cut') this.#send(from, { kind: 'left', exchange })
  }

  gone(node: string): void {
    this.#drop(node)
    this.#send(node, { kind: 'reset' })
  }

  /** Waits for the answers of other nodes, until the deadline. */
  drain(deadlineMs: number): Promise<void> {
    return within(
      deadlineMs,
      [...this.#entries.values()].map(({ answered }) => answered),
    )
  }

  /** Leaves, when all sessions have ended. The clients of sessions elsewhere that were served here come back there. */
  async close(): Promise<void> {
    const ended = [...this.#served.values()].map(
      (response) => new Promise((resolve) => response.once('close', resolve)),
    )
    await within(leaveWithinMs, ended)
    for (const entry of this.#entries.values()) entry.stop('server stopping')
    for (const response of this.#served.values()) response.destroy()
    await this.#options.backplane.leave(this.node)
  }

  async #homeOf(ctx: Context, id: string, opens: boolean): Promise<string | undefined> {
    const { backplane, sessions } = this.#options
    if (!opens) return backplane.locate(id)
    const home = await backplane.claim(id, this.node)
    if (home === this.node) {
      // When no session has come of it.
      whenClosed(ctx, () => {
        if (!sessions.has(id)) backplane.release(id, this.node)
      })
    }
    return home
  }

  #serve(from: string, exchange: number, request: RelayedRequest, body: Buffer): void {
    const { method, url, originalUrl, principal, hasBody } = request
    const key = `${from} ${exchange}`
    const req = Object.assign(new IncomingMessage(new Socket()), { method, url, originalUrl, complete: true })
    Object.assign(req.headers, request.headers)
    if (hasBody) Object.assign(req, { body: parseJson(body.toString()) })
    this.#principals.set(req, { principal })
    const res = new RelayedResponse(req, (part, bytes) => this.#send(from, { ...part, exchange }, bytes))
    this.#served.set(key, res)
    res.once('close', () => this.#served.delete(key))
    this.#answer!(req, res)
  }

  #send(to: string, mail: RelayMail, bytes?: Buffer): void {
    this.#options.backplane.send(this.node, to, encodeMail(mail, bytes)).catch((err: unknown) => {
      this.#options.logger.debug({ err, to }, 'mail to another node is lost')
      this.#drop(to)
    })
  }

  /** All that is under way between this node and the other has come to nothing. */
  #drop(node: string): void {
    for (const [exchange, entry] of this.#entries) {
      if (entry.home !== node) continue
      this.#entries.delete(exchange)
      entry.fail()
    }
    for (const [key, response] of this.#served) if (key.startsWith(`${node} `)) response.left()
  }
}

export function newNode(): string {
  return randomBytes(12).toString('base64url')
}

function unavailable(ctx: Context): void {
  ctx.set('Retry-After', '1')
  refuse(ctx, 503, 'The session cannot be found just now')
}
