import type * as z from 'zod/mini'
import type { Direction, methods } from './methods.ts'

type Methods = typeof methods

/** The name of a request or a notification. */
export type Method = keyof Methods

/** The name of a request. */
export type RequestMethod = { [M in Method]: 'result' extends keyof Methods[M] ? M : never }[Method]

/** The name of a notification. */
export type NotificationMethod = Exclude<Method, RequestMethod>

/** The checked params of a method. */
export type ParamsOf<M extends Method> = z.infer<Methods[M]['params']>

/** The checked result of a request. */
export type ResultOf<M extends RequestMethod> = z.infer<Methods[M]['result']>

/** A request without its JSON-RPC envelope: `RequestOf<'tools/call'>` is the specification's `CallToolRequest`. */
export type RequestOf<M extends RequestMethod> = MessageOf<M>

/** A notification without its JSON-RPC envelope. */
export type NotificationOf<M extends NotificationMethod> = MessageOf<M>

type MessageOf<M extends Method> = {
  [N in M]: undefined extends ParamsOf<N>
    ? { method: N; params?: ParamsOf<N> }
    : { method: N; params: ParamsOf<N> }
}[M]

type Sent<M extends Method, D extends Direction> = {
  [N in M]: Methods[N]['direction'] extends D ? N : never
}[M]

/** The name of a request that a client sends. */
export type RequestToServer = Sent<RequestMethod, 'toServer' | 'both'>

/** The name of a request that a server sends. */
export type RequestToClient = Sent<RequestMethod, 'toClient' | 'both'>

/** The name of a notification that a client sends. */
export type NotificationToServer = Sent<NotificationMethod, 'toServer' | 'both'>

/** The name of a notification that a server sends. */
export type NotificationToClient = Sent<NotificationMethod, 'toClient' | 'both'>
