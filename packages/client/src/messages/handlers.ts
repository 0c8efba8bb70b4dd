import type {
  ClientCapabilities,
  CreateMessageRequestParams,
  CreateMessageResult,
  ElicitRequestParams,
  ElicitResult,
  Root,
} from '@tidings/protocol'
import { withDefaults } from './elicit-defaults.ts'

/** The second argument of a handler. */
export interface HandlerContext {
  /** Aborted when the server cancels its request, when the session ends, or when you cancel the call that led to it. */
  signal: AbortSignal
}

/** Functions that answer the server's requests. The client declares the capability of each one that you give. */
export interface Handlers {
  /**
   * Answers `sampling/createMessage`: lets a language model write the next message.
   *
   * @see https://modelcontextprotocol.io/specification/2025-11-25/client/sampling
   */
  sample?: (
    params: CreateMessageRequestParams,
    context: HandlerContext,
  ) => CreateMessageResult | Promise<CreateMessageResult>
  /**
   * Answers `elicitation/create`: asks the user to fill in a form or to visit a URL. The client sets the fields that an
   * accepted form leaves out to the defaults in the server's schema.
   *
   * @see https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation
   */
  elicit?: (params: ElicitRequestParams, context: HandlerContext) => ElicitResult | Promise<ElicitResult>
  /**
   * Answers `roots/list`: returns the folders and files that the server may work on. When they change, call
   * `client.notify('notifications/roots/list_changed')`.
   *
   * @see https://modelcontextprotocol.io/specification/2025-11-25/client/roots
   */
  roots?: (context: HandlerContext) => Root[] | Promise<Root[]>
}

/** Returns the capabilities that the given handlers provide. */
export function capabilitiesOf({ sample, elicit, roots }: Handlers): ClientCapabilities {
  return {
    ...(sample && { sampling: {} }),
    // Older revisions have no modes: for them any object declares the capability.
    ...(elicit && { elicitation: { form: {}, url: {} } }),
    ...(roots && { roots: { listChanged: true } }),
  }
}

type Answer = (params: never, context: HandlerContext) => object | Promise<object>

/** Returns the function that answers each method of the server. */
export function answersOf({ sample, elicit, roots }: Handlers): Record<string, Answer | undefined> {
  return {
    ping: () => ({}),
    'sampling/createMessage': sample,
    'elicitation/create':
      elicit &&
      (async (params: ElicitRequestParams, context) => withDefaults(params, await elicit(params, context))),
    'roots/list': roots && (async (_params, context) => ({ roots: await roots(context) })),
  }
}
