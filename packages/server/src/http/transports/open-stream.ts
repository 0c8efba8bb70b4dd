import { headers } from '@tidings/protocol'
import type { Channel } from '../../sessions/channel.ts'
import { type EventId, parseEventId } from '../../sessions/event-id.ts'
import type { Session } from '../../sessions/session.ts'
import { sessionNotFound, stopping } from '../../refusal.ts'
import type { TransportRequest } from './transport-request.ts'
import type { TransportResponse } from './transport-response.ts'
import type { TransportContext } from './transport.ts'

/** The last event that a returning client saw, if the id is one of this server's. */
export function lastEventId(request: TransportRequest): EventId | undefined {
  return parseEventId(request.header(headers.lastEventId) ?? '')
}

/** @throws {LimitError} when there are too many streams, unless the new one takes the place of another. */
export function requireStream({ options }: TransportContext, session: Session, channel: Channel): void {
  if (!channel.attached) options.limits.streams.require(session.principal)
}

/**
 * Waits until the channel may have another stream: see `Place`.
 *
 * @returns false when the client has left meanwhile.
 * @throws {Refusal} when the session has ended meanwhile, or too many wait.
 */
export async function hasTurn(
  { sessions }: TransportContext,
  session: Session,
  channel: Channel,
  response: TransportResponse,
): Promise<boolean> {
  while (!response.closed && !session.ended) {
    const turn = channel.turn((callback) => response.whenClosed(callback))
    if (turn === undefined) break
    await turn
  }
  if (session.ended) throw sessions.closing ? stopping() : sessionNotFound()
  return !response.closed
}

interface Opening {
  session: Session
  channel: Channel
  /** Whether the client was taken back to where it left off. */
  resumed: boolean
  /** Makes the first frame, given the id of the last event that the client was sent. */
  greeting: (eventId: string) => string
}

/** Opens the stream of a channel, and tells a returning client whether it has lost something. */
export function openStream(
  { sessions }: TransportContext,
  request: TransportRequest,
  response: TransportResponse,
  { session, channel, resumed, greeting }: Opening,
): void {
  if (resumed) sessions.counts.resumed++
  if (request.header(headers.lastEventId)) response.set(headers.recovered, String(resumed))
  channel.attach(response.stream(session.principal), greeting)
}
