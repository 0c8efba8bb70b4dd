/** The transports, by the names that a client knows them under. */
export const transports = ['http+sse', 'paired', 'streamable-http', 'stateless'] as const
export type Transport = (typeof transports)[number]

/** The resource whose changes are watched. */
export const watchedUri = 'roads://watched'

/**
 * What is counted:
 * - `request`: one `tools/call`, on the server, from its bytes to the handler and back;
 * - `change`: one `changed()`, on the server, to the bytes of one subscriber;
 * - `event`: the same change on the client, from its bytes to the subscription;
 * - `call`: the same `tools/call`, on the client. It has no goal.
 */
export type RoadName = 'request' | 'change' | 'event' | 'call'

/** The package that each road is counted in, in the order of a report. */
export const sideOf = { request: 'server', change: 'server', event: 'client', call: 'client' } as const
