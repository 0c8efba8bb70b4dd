import type { RequestId } from '@tidings/protocol'
import type { Call } from '../../requests/call.ts'
import { Refusal } from '../../refusal.ts'
import type { Session } from '../../sessions/session.ts'
import { hasTurn, lastEventId, openStream, requireStream } from './open-stream.ts'
import type { TransportRequest } from './transport-request.ts'
import type { Transport, TransportContext } from './transport.ts'

const name = 'paired'
const clientId = /^[\w-]{22,128}$/

/**
 * A stream and POSTs that are paired through an id of the client's choice. Each POST returns its own response; the stream
 * carries notifications and requests to the client. The first of either opens the session.
 */
export function paired(context: TransportContext): Transport {
  const { dispatcher, sessions, options } = context

  /** @throws {Refusal} 400 when the `client_id` is missing, or no secret. */
  function clientIdOf(request: TransportRequest): string {
    const id = request.query('client_id')
    if (id !== undefined && clientId.test(id)) return id
    throw new Refusal(
      400,
      'client_id must be a secret of at least 128 random bits in 22 to 128 characters of A-Z a-z 0-9 _ -, such as a UUID',
    )
  }

  /** The session of the `client_id`, opened now unless it is open. */
  function sessionFor(request: TransportRequest): Session {
    const id = clientIdOf(request)
    return sessions.find(id, request.principal, name) ?? sessions.open(request.principal, name, id)
  }

  return {
    opensByName: true,

    sessionOf(request) {
      const id = request.query('client_id')
      return id !== undefined && clientId.test(id) ? id : undefined
    },

    async open(request, response) {
      const session = sessionFor(request)
      const { channel } = session
      if (!(await hasTurn(context, session, channel, response))) return
      requireStream(context, session, channel)
      const outcome = session.resume(channel, lastEventId(request))
      // Events that were written to the stream before may never have arrived.
      if (outcome === 'lost') channel.rewindToBeginning()
      session.ready()
      openStream(context, request, response, {
        session,
        channel,
        resumed: outcome === 'resumed',
        greeting: (eventId) => `retry: ${options.retryMs}\nid: ${eventId}\n\n`,
      })
    },

    async receive(request, response, inFlight) {
      const session = sessionFor(request)
      const { body } = request
      const answered = dispatcher.receive(body, session, session, inFlight)
      const calls = callsOf(body, session)
      if (calls.length > 0) {
        response.whenClosed(() => {
          for (const call of calls) {
            if (!call.over) call.abort(new DOMException('The client is gone', 'AbortError'))
          }
        })
      }
      session.responseOpened()
      const answer = await answered
      session.responseEnded()
      if (answer === undefined) response.empty(202)
      else response.json(answer.json)
    },

    end(request, response) {
      sessions.require(clientIdOf(request), request.principal, name).end('ended by its client')
      response.empty(204)
    },
  }
}

/** The calls that a body has begun, and that are not over yet. A response in it may have the id of a call, but begins none. */
function callsOf(body: unknown, session: Session): Call[] {
  const messages = [body].flat() as { id?: RequestId; method?: string }[]
  const ids = messages.filter(({ method }) => method !== undefined).map(({ id }) => id)
  return ids.flatMap((id) => (id === undefined ? [] : (session.callOf(id) ?? [])))
}
