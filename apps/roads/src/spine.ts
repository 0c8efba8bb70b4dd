import type { RoadName, Transport } from './road.ts'

/**
 * The files that a road's own message passes through, in its order: from the adapter to the user's function and back.
 * Edit these lists when a road takes another way. A file that a message comes through twice is listed once.
 */
export interface Spines {
  /** By transport and road. `call` has none: it has no goal. */
  spines: Record<Transport, Partial<Record<RoadName, readonly string[]>>>
  /**
   * Files that run on a road and are not its spine, with the reason. A file that runs and is in neither list is reported,
   * so that a road cannot grow unseen. A folder (`protocol/`) stands for all its files.
   */
  beside: Record<string, string>
}

/** The most files that a spine may have. */
const goals: Partial<Record<RoadName, number>> = { request: 5, change: 5, event: 5 }

/** Longer roads, each with its reason. */
const longer: Partial<Record<Transport, Partial<Record<RoadName, number>>>> = {
  // The response is not that of the POST: it takes the channel of the session and its event stream.
  'http+sse': { request: 7 },
  // The transport asks the listen request which messages of its response are its own.
  stateless: { event: 6 },
}

/** The most files that the spine of a road may have. Undefined for a road without a goal. */
export function goalOf(transport: Transport, road: RoadName): number | undefined {
  return longer[transport]?.[road] ?? goals[road]
}

const request = (transport: string, ...response: string[]) => [
  'server/http/koa.ts', // the adapter: makes the request and the response, and writes the answer
  'server/http/entrance.ts', // chooses the transport
  `server/http/transports/${transport}.ts`,
  'server/requests/dispatcher.ts', // chooses the handler, and makes a response of the result
  'server/capabilities/tools.ts', // calls the user's function
  ...response,
]

const change = (writer: string) => [
  'server/capabilities/resources.ts', // changed()
  'server/changes/change-index.ts', // the next sequence number, and the subscribers
  'server/changes/change-reader.ts', // whether this reader takes it now
  writer, // the frame of this stream
  'server/http/outgoing/event-stream.ts', // joins the frames of a tick, and writes them to the response
]

const event = (...transport: string[]) => [
  'client/http/node-http.ts', // the bytes
  'client/transports/read-events.ts', // events
  'client/transports/event-stream.ts', // messages
  ...transport,
  'client/messages/message-router.ts', // by method
  'client/watch/subscriptions.ts', // by URI, to the watch
]

export const current: Spines = {
  spines: {
    'http+sse': {
      // The response goes on the stream of the session.
      request: request('http-sse', 'server/sessions/channel.ts', 'server/http/outgoing/event-stream.ts'),
      change: change('server/sessions/channel.ts'),
      event: event(),
    },
    paired: {
      request: request('paired'),
      change: change('server/sessions/channel.ts'),
      event: event(),
    },
    'streamable-http': {
      request: request('streamable'),
      change: change('server/sessions/channel.ts'),
      event: event(),
    },
    stateless: {
      request: request('stateless'),
      change: change('server/changes/listen-stream.ts'),
      event: event('client/transports/stateless.ts'), // asks the listen request whether it is one of its own
    },
  },
  beside: {
    'protocol/': 'parses and checks',
    // On the way in.
    'server/http/outgoing/write-deadline.ts': 'watches a response',
    'server/http/outgoing/when-closed.ts': 'watches a response',
    'server/http/incoming/body.ts': 'reads the body',
    'server/http/incoming/guard.ts': 'gate-keeper',
    'server/http/incoming/authority.ts': 'reads the host, for the gate-keeper',
    'server/http/incoming/target.ts': 'gate-keeper',
    'server/http/mount.ts': 'knows the paths',
    'server/http/relay/relay.ts': 'knows whether another node can have the session',
    'server/http/outgoing/http2.ts': 'tells HTTP/2 from HTTP/1.1',
    'server/http/transports/reply.ts': 'would take what is sent before the answer',
    'server/http/transports/transport-request.ts': 'the request itself',
    'server/http/transports/modern-peer.ts': 'the client itself',
    'server/quota.ts': 'gate-keeper',
    'server/byte-quota.ts': 'gate-keeper',
    'server/bytes-of.ts': 'counts bytes, for the gate-keeper',
    'server/sessions/sessions.ts': 'finds the session',
    'server/sessions/session.ts': 'keeps count of its calls',
    // Around the handler.
    'server/async/is-promise.ts': 'helper',
    'server/capabilities/schema.ts': 'checks the arguments',
    'server/requests/call.ts': 'the call itself',
    'server/requests/context.ts': 'the handler context itself',
    'server/requests/encode.ts': 'makes text of the response',
    'server/requests/input-rounds.ts': 'for questions to the client',
    // A stream of the session.
    'server/sessions/mailbox.ts': 'holds a message until the stream takes it',
    'server/changes/change-index.ts': 'is asked for the position',
    'server/changes/change-reader.ts': 'is asked for the position',
    // A change.
    'server/backplane/memory-backplane.ts': 'pluggable: takes the change to the other nodes',
    'server/changes/topic.ts': 'the change itself',
    'server/changes/notification.ts': 'makes text of a change, once for all readers',
    // An event.
    'client/async/signals.ts': 'helper: the timer of the heartbeat',
    'client/calls/calls.ts': 'asks the next',
    'client/eras/listen-stream.ts': 'gate-keeper: knows the messages of its stream',
    'client/eras/legacy-era.ts': 'is told, for its cache',
    'client/eras/modern-era.ts': 'is told, for its cache',
    'client/eras/response-cache.ts': 'is told',
    'client/http/utf8-decoder.ts': 'decodes',
    'client/messages/listeners.ts': 'has no listener here',
    'client/transports/read-messages.ts': 'parses, within bounds',
    'client/transports/seen-ids.ts': 'gate-keeper',
    'client/logger.ts': 'would be told of what is left out',
    'client/watch/watch.ts': 'the subscriber',
  },
}
