import type {
  ClientCapabilities,
  CreateMessageRequestParams,
  CreateMessageResult,
  ElicitRequestParams,
  ElicitResult,
  Root,
} from '@tidings/protocol'
import { withDefaults } from './elicit-defaults.ts'

/** What a handler is given besides the params. */
export interface HandlerContext {
  /** Aborted when the server cancels its request, when its session ends, or when the call is given up that it came of. */
  signal: AbortSignal
}

/** What a server may ask of this client. Each handler given is declared as a capability. */
export interface Handlers {
  /**
   * Has a language model answer: `sampling/createMessage`.
   *
   * @see https://modelcontextprotocol.io/specification/2025-11-25/client/sampling
   */
  sample?: (
    params: CreateMessageRequestParams,
    context: HandlerContext,
  ) => CreateMessageResult | Promise<CreateMessageResult>
  /**
   * Asks the user, by a form or by a URL to visit: `elicitation/create`. The fields of an accepted form that are left
   * out get the defaults the server named.
   *
   * @see https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation
   */
  elicit?: (params: ElicitRequestParams, context: HandlerContext) => ElicitResult | Promise<ElicitResult>
  /**
   * Says what this client works on: `roots/list`. When that changes, tell the server with
   * `client.notify('notifications/roots/list_changed')`.
   *
   * @see https://modelcontextprotocol.io/specification/2025-11-25/client/roots
   */
  roots?: (context: HandlerContext) => Root[] | Promise<Root[]>
}

/** The capabilities that the handlers given amount to. */
export function capabilitiesOf({ sample, elicit, roots }: Handlers): ClientCapabilities {
  return {
    ...(sample && { sampling: {} }),
    // Older revisions know no modes, and take the object for what it is.
    ...(elicit && { elicitation: { form: {}, url: {} } }),
    ...(roots && { roots: { listChanged: true } }),
  }
}

type Answer = (params: never, context: HandlerContext) => object | Promise<object>

/** What answers each method a server may call. */
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
