import { headers } from '@tidings/protocol'
import type { Context } from 'koa'
import { encodeResponse } from '../encode.ts'
import { parseEventId } from '../sessions/event-id.ts'
import { Session } from '../sessions/session.ts'
import { readJson } from './body.ts'
import type { Door, DoorEnv } from './door.ts'
import { exchange } from './exchange.ts'
import { refuseBody, refuseSession } from './refuse.ts'

/**
 * Revision 2024-11-05: everything to the client goes on one stream, whose first event says where to POST.
 *
 * @see https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse
 */
export function httpSse(env: DoorEnv): Door {
  const { server, sessions, streams, logger, maxBodyBytes, retryMs } = env

  /** The session that the client returns to, back where it left off; undefined when that cannot be done. */
  function resume(ctx: Context, principal: string | undefined): Session | undefined {
    const eventId = parseEventId(ctx.get(headers.lastEventId))
    const session = eventId && sessions.find(eventId.session, principal)
    if (!(session instanceof Session)) return undefined
    if (session.rewind(eventId!)) return session
    session.end('messages were lost')
    return undefined
  }

  async function find(ctx: Context): Promise<Session | undefined> {
    const id = ctx.query.sessionId
    const session = sessions.find(typeof id === 'string' ? id : '', await env.principalOf(ctx))
    if (session instanceof Session) return session
    refuseSession(ctx, session)
    return undefined
  }

  return {
    async open(ctx) {
      const principal = await env.principalOf(ctx)
      const resumed = resume(ctx, principal)
      const session = resumed ?? sessions.open(principal)
      if (!(session instanceof Session)) return refuseSession(ctx, session)
      if (resumed !== undefined) sessions.counts.resumed++
      if (ctx.get(headers.lastEventId) !== '') ctx.set(headers.recovered, String(resumed !== undefined))
      const endpoint = `${env.messagesPath(ctx)}?sessionId=${session.id}`
      session.attach(streams.open(ctx), (eventId) =>
        Buffer.from(`retry: ${retryMs}\nid: ${eventId}\nevent: endpoint\ndata: ${endpoint}\n\n`),
      )
    },

    async receive(ctx) {
      const session = await find(ctx)
      if (session === undefined) return
      if (sessions.closing) return refuseSession(ctx, 'closing')
      try {
        const body = await readJson(ctx, maxBodyBytes)
        if (session.ended) return refuseSession(ctx, 'unknown')
        const answer = exchange(body, session, server)
        void answer?.then((response) => {
          if (response !== undefined) session.send(encodeResponse(response, logger))
        })
      } catch (thrown) {
        return refuseBody(ctx, thrown, logger)
      }
      ctx.body = null
      ctx.status = 202
    },

    async end(ctx) {
      const session = await find(ctx)
      if (session === undefined) return
      session.end('ended by its client')
      ctx.status = 204
    },
  }
}
