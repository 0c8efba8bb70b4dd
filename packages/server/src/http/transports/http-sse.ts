import { headers } from '@tidings/protocol'
import type { Context } from 'koa'
import { encodeResponse } from '../../requests/encode.ts'
import { parseEventId } from '../../sessions/event-id.ts'
import { Session } from '../../sessions/session.ts'
import type { Transport, TransportContext, Principal } from './transport.ts'
import { exchange } from '../../sessions/receive.ts'
import { parameterOf } from '../incoming/query.ts'
import { refuseSession } from '../outgoing/refuse.ts'
import { accept } from '../outgoing/respond.ts'

/**
 * Revision 2024-11-05: everything to the client goes on one stream, whose first event says where to POST.
 *
 * @see https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse
 */
export function httpSse(env: TransportContext): Transport {
  const { server, sessions, streams, limits, logger, retryMs } = env

  /** The session that the client returns to, back where it left off; undefined when that cannot be done. */
  function resume(ctx: Context, principal: Principal): Session | undefined {
    const eventId = parseEventId(ctx.get(headers.lastEventId))
    const session = eventId && sessions.find(eventId.session, principal)
    if (!(session instanceof Session)) return undefined
    if (eventId!.channel === undefined && session.channel.rewind(eventId!)) return session
    session.end('messages were lost')
    return undefined
  }

  function find(ctx: Context, principal: Principal): Session | undefined {
    const session = sessions.find(parameterOf(ctx, 'sessionId') ?? '', principal)
    if (session instanceof Session) return session
    refuseSession(ctx, session)
    return undefined
  }

  return {
    sessionOf(ctx) {
      if (ctx.method === 'GET') return parseEventId(ctx.get(headers.lastEventId))?.session
      return parameterOf(ctx, 'sessionId')
    },

    async open(ctx, principal) {
      const resumed = resume(ctx, principal)
      if (!resumed?.channel.attached) limits.streams.require(principal)
      const session = resumed ?? sessions.open(principal, { needsStream: true })
      if (!(session instanceof Session)) return refuseSession(ctx, session)
      if (session.claimed !== undefined) {
        await session.claimed
        // Others may have come in the meantime, or the server may have begun to stop.
        if (session.ended) return refuseSession(ctx, sessions.closing ? 'closing' : 'unknown')
        if (!session.channel.attached) limits.streams.require(principal)
      }
      if (resumed !== undefined) sessions.counts.resumed++
      if (ctx.get(headers.lastEventId) !== '') ctx.set(headers.recovered, String(resumed !== undefined))
      const endpoint = `${env.messagesPath(ctx)}?sessionId=${session.id}`
      session.channel.attach(
        streams.open(ctx, principal),
        (eventId) => `retry: ${retryMs}\nid: ${eventId}\nevent: endpoint\ndata: ${endpoint}\n\n`,
      )
    },

    receive(ctx, principal, body, inFlight) {
      const session = find(ctx, principal)
      if (session === undefined) return
      const answered = exchange(body, session, server)
      if (answered !== undefined) {
        inFlight?.waitForAnswer()
        void answered.then((response) => {
          inFlight?.answered()
          if (response !== undefined) session.send(encodeResponse(response, logger))
        })
      }
      accept(ctx)
    },

    end(ctx, principal) {
      const session = find(ctx, principal)
      if (session === undefined) return
      session.end('ended by its client')
      ctx.status = 204
    },
  }
}
