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
  why: 'Response streams cannot be resumed in 2026-07-28. A call is lost with its stream.',
  source: 'specification 2026-07-28, changelog, major change 9',
}
const sseCall = {
  why: 'The server gives events no ids, and resumes no session. A call is lost with its stream.',
  source: '`@modelcontextprotocol/sdk/dist/esm/server/sse.js`, `send`',
}

/** What does not work, with each peer. PROTOCOL.md has the same, under "Peers". */
export const limits: Limit[] = [
  {
    cell: `official 1.x over SSE x our server: ${finish}`,
    why: 'The client reconnects without its last event id, and so gets a new session, which does not have the answer.',
    source:
      '`@modelcontextprotocol/sdk/dist/esm/client/sse.js`, `_startOrAuth`: its headers replace those of `init`',
    fails: /Request timed out$/,
  },
  {
    cell: `official 1.x over SSE x our server: ${hear}`,
    why: 'The client gets a new session, as above, and neither initializes nor subscribes again.',
    source: 'the same file: its listener of `endpoint` only takes the new URI',
    fails: /^Not heard within \d+ ms: news \d+$/,
  },
  {
    cell: `official 2.x modern x our server: ${finish}`,
    ...statelessCall,
    fails: /Request timed out$/,
  },
  {
    cell: `official 2.x modern x our server: ${hear}`,
    why: 'The client does not listen again when the stream of a subscription is lost. It leaves that to you.',
    source: 'its `docs/clients/subscriptions.md`: "The SDK never re-listens for you"',
    fails: /^Not heard within \d+ ms: news \d+$/,
  },
  {
    cell: `our client by paired x our server: ${finish}`,
    why: 'The answer is the HTTP response of the request, and the server cancels a request whose connection is lost.',
    source: '[Paired](#paired)',
    fails: / got no response: /,
  },
  {
    cell: `our client by stateless x our server: ${finish}`,
    ...statelessCall,
    fails: /^tools\/call: The event stream broke off \(http/,
  },
  {
    cell: `our client x our server: ${finish}`,
    ...statelessCall,
    fails: /^tools\/call: The event stream broke off \(http/,
  },
  {
    cell: `our client x official 1.x over SSE: ${finish}`,
    ...sseCall,
    fails: /^tools\/call: The session was lost while the request was in flight \(http/,
  },
  {
    cell: `our client x official 2.x modern: ${finish}`,
    ...statelessCall,
    fails: /^tools\/call: The event stream broke off \(http/,
  },
  {
    cell: `our client x official 2.x sessionful: ${finish}`,
    why: 'The server resumes streams only with an event store, which it leaves to you. Without one, events have no ids.',
    source: 'its `docs/serving/sessions-state-scaling.md`, "Resume a dropped stream"',
    fails: /^tools\/call: The event stream broke off \(http/,
  },
  {
    cell: `our client x server-everything sse: ${finish}`,
    ...sseCall,
    fails: /^tools\/call: The session was lost while the request was in flight \(http/,
  },
]
