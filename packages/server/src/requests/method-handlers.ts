import type { ParamsOf, RequestToServer, ResultOf } from '@tidings/protocol'
import type { HandlerContext } from './context.ts'
import type { Peer } from './peer.ts'

/** Answers one method. */
type MethodHandler<M extends RequestToServer> = (
  params: ParamsOf<M>,
  context: HandlerContext,
  peer: Peer,
) => ResultOf<M> | Promise<ResultOf<M>>

/** The handlers of a capability, by method. */
export type MethodHandlers = { [M in RequestToServer]?: MethodHandler<M> }
