import { type IncomingMessage, METHODS } from 'node:http'
import cors from '@koa/cors'
import { headers, mediaTypes } from '@tidings/protocol'
import Router from '@koa/router'
import type { Context, Middleware, Next } from 'koa'
import SSE from 'koa-sse-stream/lib/sse.js'
import { within } from '../async/deadline.ts'
import { isPromise } from '../async/is-promise.ts'
import type { MessageStream } from '../changes/message-stream.ts'
import { Refusal } from '../refusal.ts'
import { identify, type Principal } from '../requests/principal.ts'
import { type BodyLimits, readJson } from './incoming/body.ts'
import type { Guard } from './incoming/guard.ts'
import { RefusalLog } from './incoming/refusal-log.ts'
import { isPath, prefixOf } from './incoming/target.ts'
import type { Mount } from './mount.ts'
import type { ResolvedSocketOptions } from './options.ts'
import { AuthorizedStreams } from './outgoing/authorized-streams.ts'
import { discard } from './outgoing/discard.ts'
import { type EventStreams, ResponseSink } from './outgoing/event-stream.ts'
import { type AnyResponse, cutOff, endWith, isHttp2 } from './outgoing/http2.ts'
import { handleKoaError } from './outgoing/node-internals.ts'
import { isClosed, whenClosed } from './outgoing/when-closed.ts'
import type { WriteDeadline } from './outgoing/write-deadline.ts'
import { TransportRequest } from './transports/transport-request.ts'
import { refuse, type StreamOptions, type TransportResponse } from './transports/transport-response.ts'

// The only file that speaks Koa: requests, responses, and the middleware that gives both to the routes of a mount.

const jsonType = `${mediaTypes.json}; charset=utf-8`

interface RequestOptions
  extends BodyLimits, Pick<KoaOptions, 'principal' | 'publicUrl' | 'believesProxies'> {}

/** The time that a body has to arrive over HTTP/2. */
const bodyWithinMs = 300_000

function bodyTooSlow(): Refusal {
  return new Refusal(408, `The body did not arrive within ${bodyWithinMs} ms`, { closesConnection: true })
}

/** A request on a socket. */
class KoaRequest extends TransportRequest {
  readonly path: string
  readonly #context: Context
  readonly #options: RequestOptions

  /** @param path as the routes name it. */
  constructor(context: Context, path: string, options: RequestOptions) {
    super()
    this.path = path
    this.#context = context
    this.#options = options
  }

  get method(): string {
    return this.#context.method
  }

  get querystring(): string {
    return this.#context.querystring
  }

  get prefix(): string {
    const { publicUrl, believesProxies } = this.#options
    if (publicUrl !== undefined) return publicUrl.pathname.replace(/\/$/, '')
    const context = this.#context
    const isBelieved = believesProxies || context.app.proxy
    return prefixOf(targetOf(context), context.path, isBelieved ? context.get('X-Forwarded-Prefix') : '')
  }

  header(name: string): string | undefined {
    return this.#context.req.headers[name.toLowerCase()] as string | undefined
  }

  readPrincipal(): Principal | Promise<Principal> {
    const { principal } = this.#options
    return principal && identify(principal, this.#context)
  }

  readBody(): unknown {
    const { req, res, request } = this.#context
    const body = readJson(req, (request as { body?: unknown }).body, this.principal, this.#options)
    // Over HTTP/1.1, Node sees to it: `requestTimeout`.
    return isHttp2(res) && isPromise(body) ? within(body, bodyWithinMs, bodyTooSlow) : body
  }
}

/** A response on a socket. It goes past `ctx.body`, which takes a third of the time of a request. */
class KoaResponse implements TransportResponse {
  readonly #response: AnyResponse
  readonly #streams: EventStreams
  /** Undefined where a caller is identified once. */
  readonly #authorized: AuthorizedStreams<Context> | undefined
  /** Until the response has begun: a stream must not hold the context for as long as it is open. */
  #context: Context | undefined
  #closesConnection = false
  #status = 0
  #json: string | undefined
  #contentType: string | undefined

  constructor(context: Context, streams: EventStreams, authorized?: AuthorizedStreams<Context>) {
    this.#context = context
    this.#response = context.res
    this.#streams = streams
    this.#authorized = authorized
  }

  get begun(): boolean {
    return this.#context === undefined
  }

  get closed(): boolean {
    return isClosed(this.#response)
  }

  get answer(): string | undefined {
    return this.#json
  }

  set(name: string, value: string): void {
    this.#response.setHeader(name, value)
  }

  json(text: string, status = 200): void {
    this.#status = status
    this.#json = text
    answerLater(this.#begin(), this)
  }

  empty(status: number, contentType?: string): void {
    this.#status = status
    this.#contentType = contentType
    answerLater(this.#begin(), this)
  }

  // All headers are set here, and not before: middleware in front may have set a body in the meantime, and so a type, a length.
  write(): void {
    const response = this.#response
    response.statusCode = this.#status
    if (this.#json === undefined) {
      response.removeHeader('Content-Length')
      if (this.#contentType === undefined) response.removeHeader('Content-Type')
      else response.setHeader('Content-Type', this.#contentType)
      response.end()
      return
    }
    response.setHeader('Content-Type', jsonType)
    response.setHeader('Content-Length', Buffer.byteLength(this.#json))
    if (isHttp2(response)) {
      endWith(response, this.#json)
      // The connection stays: only this stream is closed under a client that goes on sending.
      if (this.#closesConnection) discard(response.req, () => response.stream.close())
      return
    }
    // In one piece with the head, which `end(text)` would give the system as the first of two.
    response.cork()
    response.write(this.#json)
    response.uncork()
    if (this.#closesConnection && !response.req.complete) discard(response.req, () => response.end())
    else response.end()
  }

  // koa-sse-stream begins the stream: its headers, the settings of the socket, a first comment. Frames are complete text
  // when they come here, and go past it.
  stream(principal: Principal, { chunked = false }: StreamOptions = {}): MessageStream {
    const context = this.#requireContext()
    const ofConnection = !isHttp2(this.#response)
    const opening = new SSE(ofConnection ? context : contextOfStream(context))
    context.respond = false
    this.#response.statusCode = 200
    if (!chunked && ofConnection) {
      this.#response.setHeader('Connection', 'close')
      this.#response.removeHeader('Transfer-Encoding')
    }
    this.#context = undefined
    const stream = this.#streams.open(new ResponseSink(this.#response), principal, String(opening.read()))
    if (this.#authorized !== undefined) {
      whenClosed(this.#response, this.#authorized.watch(stream, context, principal))
    }
    return stream
  }

  closeConnection(): void {
    this.#closesConnection = true
    if (!isHttp2(this.#response)) this.#response.setHeader('Connection', 'close')
  }

  // With the head sent, nobody waits: middleware in front has let Koa answer.
  fail(error: unknown): void {
    if (this.#context?.headerSent !== true) throw error
    this.#context.onerror(error as Error)
  }

  cut(): void {
    this.#context = undefined
    cutOff(this.#response)
  }

  whenClosed(callback: () => void): void {
    whenClosed(this.#response, callback)
  }

  #begin(): Context {
    const context = this.#requireContext()
    this.#context = undefined
    return context
  }

  #requireContext(): Context {
    if (this.#context === undefined) throw new Error('The response has begun already')
    return this.#context
  }
}

/**
 * What koa-sse-stream sees of a context: no header about the connection, which HTTP/2 forbids (RFC 9113, section 8.2.2), and
 * no way to stop the timer of a connection that other responses share.
 */
function contextOfStream(context: Context): Context {
  const { socket } = context.req
  return {
    req: {
      socket: {
        setTimeout() {},
        setNoDelay: (noDelay: boolean) => socket.setNoDelay(noDelay),
        setKeepAlive: (keepAlive: boolean) => socket.setKeepAlive(keepAlive),
      },
    },
    set(fields: Record<string, string>) {
      delete fields.Connection
      context.set(fields)
    },
  } as unknown as Context
}

/** The responses to be written at the end of the tick. */
let answers: { context: Context; response: KoaResponse }[] = []

// The responses of one tick are written at its end. Written one by one, each would wake a client that has gone to sleep since
// the one before, and to wake a process takes the system longer than all else that is done for a request.
function answerLater(context: Context, response: KoaResponse): void {
  context.respond = false
  if (answers.push({ context, response }) === 1) setImmediate(writeAnswers)
}

function writeAnswers(): void {
  const due = answers
  answers = []
  for (const { context, response } of due) {
    // When middleware in front has failed, or did not wait, Koa has answered.
    if (context.res.writableEnded) continue
    try {
      response.write()
    } catch (error) {
      context.onerror(error as Error)
    }
  }
}

/** How a mount is served by Koa. */
interface KoaOptions extends ResolvedSocketOptions {
  /** Whether `X-Forwarded-Prefix` is believed without `app.proxy`. */
  believesProxies: boolean
  guard: Guard
  deadline: WriteDeadline
}

/** Middleware that serves the routes of a mount. Requests for other paths are passed on. */
export function koaMiddleware(mount: Mount, options: KoaOptions): Middleware {
  const { routes, streams, logger } = mount
  const { guard, deadline, principal, principalMaxAgeMs: maxAgeMs } = options
  const authorized =
    principal && maxAgeMs < Infinity ? new AuthorizedStreams({ principal, maxAgeMs, logger }) : undefined
  const { bodyBounds, limits } = mount.options
  const requestOptions: RequestOptions = { ...options, bodyBounds, bytes: limits.bytes }
  const refusals = new RefusalLog(logger)
  const allowCors = corsFor(guard)
  const answerOthers = otherMethods(routes.keys())

  function admit(context: Context, path: string, next: Next): Promise<void> | void {
    const handler = routes.get(`${context.req.method} ${path}`)
    const refusal = isPath(targetOf(context))
      ? guard.refusalOf(context.req, handler === mount.health)
      : badTarget(context)
    if (refusal !== undefined) {
      refusals.add(path, refusal.message)
      return refuse(new KoaResponse(context, streams), refusal)
    }
    if (handler === undefined) return answerOthers(context, next)
    if (!mount.hasJoined && handler !== mount.health) {
      return mount.whenJoined().then(
        () => admit(context, path, next),
        (thrown: unknown) => refuse(new KoaResponse(context, streams), Refusal.from(thrown)!),
      )
    }
    return handler(
      new KoaRequest(context, path, requestOptions),
      new KoaResponse(context, streams, authorized),
    )
  }

  return (context, next) => {
    const target = pathOf(context)
    if (target === undefined) return refuse(new KoaResponse(context, streams), badTarget(context))
    const path = mount.routedPath(target)
    if (path === undefined) return next()
    context.onerror = answerError
    context.res.on('error', lost)
    deadline.watch(context.res)
    if (context.req.headers.origin !== undefined) {
      return allowCors(context, async () => admit(context, path, next)) as Promise<void>
    }
    // A response to a request from no page differs from others in nothing but this header.
    if (context.res.hasHeader('Vary')) context.vary('Origin')
    else context.res.setHeader('Vary', 'Origin')
    return admit(context, path, next)
  }
}

/** The target as the client sent it, where a framework in front has taken a prefix off. */
function targetOf({ req, originalUrl }: Context): string {
  return (req as IncomingMessage & { originalUrl?: string }).originalUrl ?? originalUrl
}

/** Undefined for a target that Koa cannot take apart: nothing else could be done with it. */
function pathOf(context: Context): string | undefined {
  const { url = '' } = context.req
  // Koa would give it to Node's former parser, which takes some of these, with a warning.
  if (url.includes('://') && !url.startsWith('/') && !URL.canParse(url)) return undefined
  try {
    // Null for some targets with a fragment, though its type does not say so.
    return context.path ?? undefined
  } catch {
    return undefined
  }
}

function badTarget(context: Context): Refusal {
  return new Refusal(400, `The request target must be a path, got ${targetOf(context).slice(0, 100)}`)
}

function corsFor(guard: Guard): Middleware {
  return cors({
    origin: (context) => (guard.allowsPage(context.req) ? context.get('Origin') : ''),
    allowMethods: 'GET,POST,DELETE',
    exposeHeaders: [
      headers.sessionId,
      headers.protocolVersion,
      headers.recovered,
      'WWW-Authenticate',
      'Retry-After',
    ],
    maxAge: 86_400,
    // Asked for by browsers when a public page uses a server of the local network.
    privateNetworkAccess: true,
  })
}

/**
 * Answers methods that a path does not have: 405, and `OPTIONS`. That is all the router is used for: it puts its handlers
 * together anew for each request, which takes a tenth of the time of the request, so known methods go past it.
 */
function otherMethods(routes: Iterable<string>): (context: Context, next: Next) => Promise<void> {
  // All methods are known to it, so that none is answered 501.
  const router = new Router({ methods: METHODS, sensitive: true })
  for (const route of routes) {
    const [method, path] = route.split(' ') as [string, string]
    router.register(path, [method], (_context, next) => next())
  }
  const matched = router.routes() as unknown as Middleware
  const allowedMethods = router.allowedMethods() as unknown as Middleware
  return async (context, next) => {
    await matched(context, () => allowedMethods(context, next) as Promise<void>)
    const { status, method, path, body } = context
    if (status !== 405 || body) return
    const allowed = context.response.get('Allow')
    context.body = new Refusal(405, `${method} is not served at ${path}, but ${allowed}`).toJSON()
  }
}

/** What is written to a response that is over is lost, as on every connection that breaks. Without a listener it ends the process. */
function lost(): void {}

const departures: readonly unknown[] = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE']

/**
 * Koa tells the application of each client that resets its connection. Here that is how clients leave, not an error. The same
 * codes on an open connection are of another one, such as that of the application to its directory.
 *
 * What an application has thrown may be fit for no response, by its headers, its status or its getters. Koa would throw, and
 * nobody waits for its promise.
 */
function answerError(this: Context, error: NodeJS.ErrnoException | null): void {
  try {
    if (isClosed(this.res) && departures.includes(error?.code)) return
    const { status } = (error ?? {}) as { status?: number }
    if (status !== undefined && status < 200)
      throw new RangeError(`An error cannot have the status ${status}`)
    handleKoaError(this, error as Error)
  } catch (cause) {
    handleKoaError(this, new Error('An error was thrown that cannot be told to the client', { cause }))
  }
}
