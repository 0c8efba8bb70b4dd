import type { ParamsOf, RequestToServer, ResultOf } from '@tidings/protocol'
import type { HandlerContext } from './context.ts'
import type { Peer } from './peer.ts'

/** How one method is answered. */
export type MethodHandler<M extends RequestToServer> = (
  params: ParamsOf<M>,
  context: HandlerContext,
  peer: Peer,
) => ResultOf<M> | Promise<ResultOf<M>>

/** How a capability answers its methods. */
export type MethodHandlers = { [M in RequestToServer]?: MethodHandler<M> }
