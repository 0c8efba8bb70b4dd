import { headers, type RequestId } from '@tidings/protocol'
import type { Context } from 'koa'
import type { Call } from '../../requests/call.ts'
import { encodeResponse } from '../../requests/encode.ts'
import { parseEventId } from '../../sessions/event-id.ts'
import { Session } from '../../sessions/session.ts'
import type { Transport, TransportContext, Principal } from './transport.ts'
import { exchange } from '../../sessions/receive.ts'
import { parameterOf } from '../incoming/query.ts'
import { refuse, refuseSession } from '../outgoing/refuse.ts'
import { accept, respondJson } from '../outgoing/respond.ts'
import { whenClosed } from '../outgoing/when-closed.ts'

/** The calls that a body has begun, and that are not over yet. An answer in it may have the id of one, but has begun none. */
function callsOf(body: unknown, session: Session): Call[] {
  const messages = [body].flat() as { id?: RequestId; method?: string }[]
  const ids = messages.filter(({ method }) => method !== undefined).map(({ id }) => id)
  return ids.flatMap((id) => (id === undefined ? [] : (session.callOf(id) ?? [])))
}

const clientId = /^[\w-]{22,128}$/

/**
 * A stream and POSTs that are paired by an id of the client's choice. An answer is the HTTP response of the POST; the
 * stream carries notifications and requests to the client. Whichever comes first opens the session.
 */
export function paired(env: TransportContext): Transport {
  const { server, sessions, streams, limits, logger, retryMs } = env

  /** The session of the request's `client_id`; `openNew` says whether to open one where there is none. */
  function find(ctx: Context, principal: Principal, openNew: boolean): Session | undefined {
    const id = parameterOf(ctx, 'client_id')
    if (id === undefined || !clientId.test(id)) {
      refuse(
        ctx,
        400,
        'client_id must be a secret of at least 128 random bits in 22 to 128 characters of A-Z a-z 0-9 _ -, such as a UUID',
      )
      return undefined
    }
    const found = sessions.find(id, principal)
    const session = found === 'unknown' && openNew ? sessions.open(principal, { chosenId: id }) : found
    if (session instanceof Session) return session
    refuseSession(ctx, session)
    return undefined
  }

  return {
    opensByName: true,

    sessionOf(ctx) {
      const id = parameterOf(ctx, 'client_id')
      return id !== undefined && clientId.test(id) ? id : undefined
    },

    open(ctx, principal) {
      const session = find(ctx, principal, true)
      if (session === undefined) return
      if (!session.channel.attached) limits.streams.require(principal)
      const lastEventId = ctx.get(headers.lastEventId)
      const eventId = parseEventId(lastEventId)
      const resumed =
        eventId?.session === session.key && eventId.channel === undefined && session.channel.rewind(eventId)
      if (resumed) sessions.counts.resumed++
      // What was written to the stream before may never have arrived.
      else session.channel.rewindToBeginning()
      if (lastEventId !== '') ctx.set(headers.recovered, String(resumed))
      session.ready()
      session.channel.attach(
        streams.open(ctx, principal),
        (eventId) => `retry: ${retryMs}\nid: ${eventId}\n\n`,
      )
    },

    async receive(ctx, principal, body) {
      const session = find(ctx, principal, true)
      if (session === undefined) return
      const answer = exchange(body, session, server)
      const calls = callsOf(body, session)
      if (calls.length > 0) {
        whenClosed(ctx, () => {
          for (const call of calls) {
            if (!call.over) call.abort(new DOMException('The client is gone', 'AbortError'))
          }
        })
      }
      session.openResponses++
      const response = await answer
      session.openResponses--
      if (response === undefined) return accept(ctx)
      respondJson(ctx, encodeResponse(response, logger))
    },

    end(ctx, principal) {
      const session = find(ctx, principal, false)
      if (session === undefined) return
      session.end('ended by its client')
      ctx.status = 204
    },
  }
}
