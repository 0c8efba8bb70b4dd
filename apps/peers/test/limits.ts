/** A cell of the matrix that does not work, because of the other side or of the revision it speaks. */
export interface Limit {
  /** The name of the cell. */
  cell: string
  /** What there is not. */
  why: string
  /** Where that is said. */
  source: string
  /** How the cell fails. */
  fails: RegExp
}

const finish = 'finish a call that is cut off'
const hear = 'hear after a cut what has changed'

const statelessCall = {
  why: 'Response streams cannot be resumed in 2026-07-28: with its stream, a call is lost.',
  source: 'specification 2026-07-28, changelog, major change 9',
}
const sseCall = {
  why: 'It gives its events no ids and resumes no session: with its stream, a call is lost.',
  source: '`@modelcontextprotocol/sdk/dist/esm/server/sse.js`, `send`',
}

/** What does not work, with each peer. PROTOCOL.md has the same, under "Peers". */
export const limits: Limit[] = [
  {
    cell: `official 1.x over SSE x our server: ${finish}`,
    why: 'It comes back without the id of the last event it saw, so to a new session, where the answer is not.',
    source:
      '`@modelcontextprotocol/sdk/dist/esm/client/sse.js`, `_startOrAuth`: its headers replace those of `init`',
    fails: /Request timed out$/,
  },
  {
    cell: `official 1.x over SSE x our server: ${hear}`,
    why: 'It comes back to a new session, as above, and neither initializes nor subscribes again.',
    source: 'the same file: its listener of `endpoint` takes the new URI, and no more',
    fails: /^Not heard within \d+ ms: news \d+$/,
  },
  {
    cell: `official 2.x modern x our server: ${finish}`,
    ...statelessCall,
    fails: /Request timed out$/,
  },
  {
    cell: `official 2.x modern x our server: ${hear}`,
    why: 'It does not listen again when the stream of a subscription is lost: that is left to its user.',
    source: 'its `docs/clients/subscriptions.md`: "The SDK never re-listens for you"',
    fails: /^Not heard within \d+ ms: news \d+$/,
  },
  {
    cell: `our client by paired x our server: ${finish}`,
    why: 'The answer is the HTTP response of its request, and a request whose connection is lost is cancelled.',
    source: '[Paired](#paired)',
    fails: / got no response: /,
  },
  {
    cell: `our client by stateless x our server: ${finish}`,
    ...statelessCall,
    fails: /^The event stream broke off$/,
  },
  {
    cell: `our client x our server: ${finish}`,
    ...statelessCall,
    fails: /^The event stream broke off$/,
  },
  {
    cell: `our client x official 1.x over SSE: ${finish}`,
    ...sseCall,
    fails: /^The session was lost while the request was in flight$/,
  },
  {
    cell: `our client x official 2.x modern: ${finish}`,
    ...statelessCall,
    fails: /^The event stream broke off$/,
  },
  {
    cell: `our client x official 2.x sessionful: ${finish}`,
    why: 'Its streams are resumed by an event store that is left to its user; without one, their events have no ids.',
    source: 'its `docs/serving/sessions-state-scaling.md`, "Resume a dropped stream"',
    fails: /^The event stream broke off$/,
  },
  {
    cell: `our client x server-everything sse: ${finish}`,
    ...sseCall,
    fails: /^The session was lost while the request was in flight$/,
  },
]
