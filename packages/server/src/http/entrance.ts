import {
  headers,
  isModernRevision,
  isRequest,
  mediaTypes,
  metaKeys,
  parseMessage,
  type RequestId,
} from '@tidings/protocol'
import { isPromise } from '../async/is-promise.ts'
import { bytesOfValue } from '../bytes-of.ts'
import { Refusal, stopping } from '../refusal.ts'
import { InFlight } from '../quota.ts'
import type { Relay } from './relay/relay.ts'
import type { StatelessTransport } from './transports/stateless.ts'
import type { TransportRequest } from './transports/transport-request.ts'
import { refuse, type TransportResponse } from './transports/transport-response.ts'
import type { RequestHandler, Routes, Transport, TransportContext } from './transports/transport.ts'

/** The transports of a mount. */
interface Transports {
  httpSse: Transport
  paired: Transport
  streamable: Transport
  stateless: StatelessTransport
}

interface Entrance {
  context: TransportContext
  transports: Transports
  relay: Relay
  health: RequestHandler
}

/** The number of nodes that a request is sent to, one after another, where its session moves. */
const maxHomes = 4

/** Chooses the transport of each request. */
export function createRoutes({ context, transports, relay, health }: Entrance): Routes {
  const { httpSse, paired, streamable, stateless } = transports
  const { sessions, options } = context
  const { sse, messages, mcp, health: healthPath } = options.paths

  const pairedOr = (request: TransportRequest, other: Transport) =>
    request.query('client_id') !== undefined ? paired : other
  // A client of Streamable HTTP may have been given the path of HTTP+SSE. Its session tells it from one of that.
  const onSse = (request: TransportRequest) => (request.header(headers.sessionId) ? streamable : httpSse)
  const byHeader = (request: TransportRequest) =>
    isModernRevision(request.header(headers.protocolVersion) ?? '') ? stateless : streamable

  /**
   * Has the request answered by the node where its session lives, if that is another. Undefined, without a promise, when it is
   * known to live here.
   *
   * @returns true when the request is answered; false when it is to be answered here.
   */
  function answeredElsewhere(
    transport: Transport,
    request: TransportRequest,
    response: TransportResponse,
    inFlight?: InFlight,
  ): Promise<boolean> | undefined {
    const id = transport.sessionOf(request)
    if (id === undefined) return undefined
    if (sessions.has(id) && relay.isCertain) return undefined
    return forward(id, transport, request, response, inFlight)
  }

  async function forward(
    id: string,
    transport: Transport,
    request: TransportRequest,
    response: TransportResponse,
    inFlight?: InFlight,
  ): Promise<boolean> {
    const opens = transport.opensByName === true && request.method !== 'DELETE'
    for (let attempt = 0; attempt < maxHomes; attempt++) {
      const home = await relay.otherHomeOf(id, opens, request, response)
      if (home === undefined) return false
      if ((await relay.forward(home, request, response, inFlight)) === 'answered') return true
      // Nothing has come of it: the session may have another home by now, or this node may have to adopt it.
      relay.forget(id)
    }
    throw new Refusal(503, 'The session moves between nodes just now', { retry: true })
  }

  const open = (transportOf: (request: TransportRequest) => Transport) =>
    refusing(async (request, response) => {
      requireStreamWanted(request)
      // A look at a stream does not open it.
      if (request.method === 'HEAD') return response.empty(200, mediaTypes.eventStream)
      request.principal = await request.readPrincipal()
      if (response.closed) return
      const transport = transportOf(request)
      const elsewhere = answeredElsewhere(transport, request, response)
      if (elsewhere !== undefined && ((await elsewhere) || response.closed)) return
      await transport.open(request, response)
    })

  // Awaits only what has to be waited for: each await costs a turn.
  const receive = (transportOf: (request: TransportRequest) => Transport): RequestHandler => {
    return async (request, response) => {
      let transport: Transport | undefined
      try {
        if (sessions.closing && !sessions.areStored) throw stopping()
        // Before the body is read: not every caller may send one.
        const principal = request.readPrincipal()
        request.principal = isPromise(principal) ? await principal : principal
        const body = request.readBody()
        request.body = isPromise(body) ? await body : body
        transport = transportOf(request)
        const inFlight = new InFlight(response, options.limits, request.principal)
        try {
          inFlight.hold(bytesOfValue(request.body))
          // A node that stops has handed its sessions over, and still knows where they are.
          if (sessions.closing && transport.sessionOf(request) === undefined) throw stopping()
          const elsewhere = answeredElsewhere(transport, request, response, inFlight)
          if (elsewhere !== undefined && (await elsewhere)) return
          const received = transport.receive(request, response, inFlight)
          if (received !== undefined) await received
        } finally {
          inFlight.made()
        }
      } catch (thrown) {
        refuseOrThrow(thrown, request, response, transport?.namesRequests ? idOf(request.body) : undefined)
      }
    }
  }

  const end = (transportOf: (request: TransportRequest) => Transport) =>
    refusing(async (request, response) => {
      request.principal = await request.readPrincipal()
      const transport = transportOf(request)
      const elsewhere = answeredElsewhere(transport, request, response)
      if (elsewhere !== undefined && (await elsewhere)) return
      transport.end(request, response)
    })

  const refusing = (handler: RequestHandler): RequestHandler => {
    return async (request, response) => {
      try {
        await handler(request, response)
      } catch (thrown) {
        refuseOrThrow(thrown, request, response)
      }
    }
  }

  function refuseOrThrow(
    thrown: unknown,
    { path }: TransportRequest,
    response: TransportResponse,
    id?: RequestId,
  ): void {
    const refusal = response.begun ? undefined : Refusal.from(thrown)
    if (refusal === undefined) return response.fail(thrown)
    const { status, message: reason } = refusal
    options.logger.debug({ path, status, reason }, 'request refused')
    // Where a method has no use in a revision, or without sessions, messages still have.
    if (status === 405) response.set('Allow', 'POST')
    refuse(response, refusal, id)
  }

  const openSse = open((request) => pairedOr(request, onSse(request)))
  const openMcp = open(byHeader)
  const postMcp = receive((request) => pairedOr(request, isModern(request) ? stateless : streamable))
  const endMcp = end((request) => pairedOr(request, byHeader(request)))
  const all: [string, RequestHandler][] = [
    [`GET ${sse}`, openSse],
    [`HEAD ${sse}`, openSse],
    [`POST ${messages}`, receive(() => httpSse)],
    [`DELETE ${messages}`, end(() => httpSse)],
    [`GET ${mcp}`, openMcp],
    [`HEAD ${mcp}`, openMcp],
    [`POST ${mcp}`, postMcp],
    [`DELETE ${mcp}`, endMcp],
    [`POST ${sse}`, postMcp],
    [`DELETE ${sse}`, endMcp],
    [`GET ${healthPath}`, health],
    [`HEAD ${healthPath}`, health],
  ]
  // With equal paths the first route counts.
  const routes = new Map<string, RequestHandler>()
  for (const [route, handler] of all) if (!routes.has(route)) routes.set(route, handler)
  return routes
}

/**
 * Streams are opened for those who ask for one by name. A program may leave it open; a browser does so for whatever a page
 * loads, such as an image or a script.
 *
 * @throws {Refusal} 406
 */
function requireStreamWanted(request: TransportRequest): void {
  if (request.accepts.namesEventStream) return
  const accept = request.header('Accept') ?? '*/*'
  const isOpen = /^\s*(\*|text)\/\*\s*$/.test(accept)
  if (isOpen && browserHeaders.every((name) => request.header(name) === undefined)) return
  const accepted = accept.slice(0, 100)
  const message = `Only ${mediaTypes.eventStream} is served here: name it in Accept, which says ${accepted}`
  throw new Refusal(406, message)
}

const browserHeaders = ['Origin', 'Sec-Fetch-Site', 'Sec-Fetch-Dest']

/**
 * The body tells the eras apart: a request of the modern era names its revision in `_meta`. The header alone does so only
 * where nothing of the legacy era can be meant.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning#backward-compatibility-with-initialization-based-versions
 */
function isModern(request: TransportRequest): boolean {
  const { method, params } = (request.body ?? {}) as {
    method?: unknown
    params?: { _meta?: object } | null
  }
  if (metaKeys.protocolVersion in Object(params?._meta)) return true
  return method !== 'initialize' && isModernRevision(request.header(headers.protocolVersion) ?? '')
}

/** The id of the request in a body; undefined when the body holds no request. */
function idOf(body: unknown): RequestId | undefined {
  try {
    const message = parseMessage(body)
    return isRequest(message) ? message.id : undefined
  } catch {
    return undefined // not a message
  }
}
