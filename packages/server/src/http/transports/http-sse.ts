import type { RequestId } from '@tidings/protocol'
import { mayHaveRun } from '../../sessions/may-have-run.ts'
import type { Session } from '../../sessions/session.ts'
import { sessionNotFound, stopping } from '../../refusal.ts'
import { lastEventId, openStream, requireStream } from './open-stream.ts'
import type { TransportRequest } from './transport-request.ts'
import type { TransportResponse } from './transport-response.ts'
import type { Transport, TransportContext } from './transport.ts'

const name = 'http+sse'

/**
 * Revision 2024-11-05: all messages to the client go on one stream, whose first event says where to POST.
 *
 * @see https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse
 */
export function httpSse(context: TransportContext): Transport {
  const { dispatcher, sessions, options } = context

  /** The session that the client returns to, back where it left off. Undefined when that cannot be done. */
  function resume(request: TransportRequest): Session | undefined {
    const eventId = lastEventId(request)
    const session = eventId && sessions.findOwn(eventId.session, request.principal, name)
    if (session === undefined) return undefined
    if (session.resume(session.channel, eventId) === 'resumed') return session
    session.end('messages were lost')
    return undefined
  }

  function sessionIdOf(request: TransportRequest): string | undefined {
    return request.query('sessionId')
  }

  return {
    sessionOf(request) {
      return request.method === 'GET' ? lastEventId(request)?.session : sessionIdOf(request)
    },

    async open(request, response) {
      const resumed = resume(request)
      if (!resumed?.channel.attached) options.limits.streams.require(request.principal)
      const session = resumed ?? sessions.open(request.principal, name)
      if (session.claimed !== undefined) {
        await session.claimed
        // Other streams may have come in the meantime, or the server may have begun to stop.
        if (session.ended) throw sessions.closing ? stopping() : sessionNotFound()
        requireStream(context, session, session.channel)
      }
      const endpoint = `${request.prefix}${options.paths.messages}?sessionId=${session.id}${othersOf(request)}`
      openStream(context, request, response, {
        session,
        channel: session.channel,
        resumed: resumed !== undefined,
        greeting: (eventId) =>
          `retry: ${options.retryMs}\nid: ${eventId}\nevent: endpoint\ndata: ${endpoint}\n\n`,
      })
    },

    receive(request, response, inFlight) {
      const session = sessions.require(sessionIdOf(request) ?? '', request.principal, name)
      const answered = dispatcher.receive(request.body, session, session, inFlight)
      if (answered === undefined) return response.empty(202)
      inFlight.waitForAnswer()
      const sent = answered.then((answer) => {
        inFlight.answered()
        if (answer !== undefined && !session.ended) session.channel.send(answer.json)
      })
      if (sessions.areStored) return acceptOnceSafe(session, sent, request, response)
      response.empty(202)
    },

    end(request, response) {
      sessions.require(sessionIdOf(request) ?? '', request.principal, name).end('ended by its client')
      response.empty(204)
    },
  }
}

/** A request that takes longer is stored with its session. */
const quickMs = 25

/**
 * Answers 202 when the request needs this node no more: its answer is on its way, or the backplane has the answer, or knows that
 * the request waits for one. Before that, a client that loses this node loses the HTTP response, too.
 *
 * @throws {Refusal} 502 when the answer may never reach the client: the backplane cannot be reached, and another node may take the
 * session over, or has done so.
 */
async function acceptOnceSafe(
  session: Session,
  sent: Promise<void>,
  { body }: TransportRequest,
  response: TransportResponse,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const isQuick = await Promise.race([
    sent.then(() => true),
    new Promise<boolean>((resolve) => (timer = setTimeout(resolve, quickMs, false))),
  ])
  clearTimeout(timer)
  const isSafe = () => !session.ended && !session.channel.isWaiting
  if (!isQuick || !isSafe()) {
    if (!session.ended) session.waitsForAnswers()
    if (await isStored(session)) {
      // What is stored of it changes with its answer.
      if (!isQuick) void sent.then(() => session.mailWaits())
    } else {
      // Without the backplane the request goes on all the same.
      await sent
      if (!isSafe() && !(await isStored(session))) throw mayHaveRun((body as { id?: RequestId }).id)
    }
  }
  response.empty(202)
}

async function isStored(session: Session): Promise<boolean> {
  try {
    await session.whenStored()
    return !session.ended
  } catch {
    return false
  }
}

/** The query parameters that are not ours, such as a token, for the client to send again: it cannot set headers everywhere. */
function othersOf({ querystring }: TransportRequest): string {
  if (querystring === '') return ''
  const others = querystring.split('&').filter((parameter) => {
    const [name] = new URLSearchParams(parameter).keys()
    return name !== undefined && name !== 'sessionId' && name !== 'client_id'
  })
  // An event is one line of text.
  return others.map((parameter) => `&${parameter.replace(/[^!-~]/gu, encodeURIComponent)}`).join('')
}
