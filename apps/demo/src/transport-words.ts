import type { TransportName } from '@tidings/client'

/** A transport as a person reads it. */
export interface TransportWords {
  /** The revisions of the specification that define it, or what else sets it apart. */
  from: string
  /** How messages travel, in one sentence. */
  how: string
  /** Whether the server keeps a session for the client. */
  hasSession: boolean
}

/** The four transports, newest first. */
export const transportWords: Record<TransportName, TransportWords> = {
  stateless: {
    from: '2026-07-28',
    how: 'Every request stands alone, with no session. Changes arrive on one long response to subscriptions/listen.',
    hasSession: false,
  },
  'streamable-http': {
    from: '2025-03-26 to 2025-11-25',
    how: 'One endpoint and a session. A POST returns its own response, and changes arrive on a GET stream.',
    hasSession: true,
  },
  'http+sse': {
    from: '2024-11-05',
    how: 'One event stream carries every response and every change. Each POST is answered with 202 only.',
    hasSession: true,
  },
  paired: {
    from: 'client_id',
    how: 'The client picks a client_id. A POST returns its own response, and changes arrive on an event stream.',
    hasSession: true,
  },
}

/** What a connection that came back means for the values that are shown. */
export function reconnectedWords(transport: TransportName, recovered: boolean): string {
  if (transportWords[transport].hasSession) {
    return recovered
      ? 'reconnected to the same session: nothing was missed'
      : 'reconnected in a new session: every value was read again'
  }
  return recovered
    ? 'the stream resumed where it had stopped: nothing was missed'
    : 'the stream began anew: every value was read again'
}
