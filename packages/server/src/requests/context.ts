import {
  type ClientCapabilities,
  type CreateMessageRequestParams,
  type CreateMessageResult,
  type ElicitRequestParams,
  type ElicitResult,
  errorCodes,
  type Implementation,
  isAtLeast,
  isModernRevision,
  JSONRPC_VERSION,
  type LoggingLevel,
  McpError,
  type Meta,
  type NotificationToClient,
  type ParamsOf,
  type RequestId,
  type RequestToClient,
  type ResultOf,
  type Revision,
  type Root,
} from '@tidings/protocol'
import type { Logger } from '../logger.ts'
import type { Call } from './call.ts'
import { encodeMessage } from './encode.ts'

/** The progress of a request, for the client that waits for it. */
export interface Progress {
  /** Must grow from one call to the next. */
  progress: number
  total?: number
  message?: string
}

/** The client of a request, as it describes itself. */
export interface ClientInfo {
  /** The protocol revision it speaks. */
  readonly revision: Revision
  readonly info: Implementation | undefined
  readonly capabilities: ClientCapabilities
}

/** Options of a question to the client. */
export interface AskOptions {
  /**
   * The name of the question among those of the request, with revision 2026-07-28. Default: `ask-1`, `ask-2` and so on, in
   * the order of asking. Name your questions where that order is not always the same.
   */
  key?: string
}

/** The second argument of a handler. You can destructure it: `({ signal, progress }) => ...`. */
export interface HandlerContext {
  /** Aborts when the answer is no longer wanted: client gone, request cancelled, time over, server stopping. */
  readonly signal: AbortSignal
  readonly requestId: RequestId
  /** The `_meta` of the request. */
  readonly meta: Meta | undefined
  /** The caller, as the `principal` option identified it. `undefined` is an anonymous caller. */
  readonly principal: string | undefined
  /** The client, as it describes itself. */
  readonly client: ClientInfo
  /** The session of the request. Revision 2026-07-28 has no sessions. */
  readonly session: { readonly id: string } | undefined
  /**
   * Reports progress to the client. Does nothing when the client did not ask for progress, or the request is over. Never throws:
   * what JSON cannot express is not sent, and logged as an error.
   */
  readonly progress: (progress: Progress) => void
  /**
   * Sends a log message to the client, if it wants messages of this level. `data` is any JSON value; `undefined` is sent as null.
   * Does nothing when the request is over. Never throws: what JSON cannot express is not sent, and logged as an error.
   */
  readonly log: (level: LoggingLevel, data: unknown, logger?: string) => void
  /**
   * Asks the client's user, with a form or with a page to visit.
   *
   * In a session the handler waits for the answer. With revision 2026-07-28 the handler runs more than once: the first run
   * stops here, and when the client has answered, Tidings calls the handler again from the top. Do anything that must happen
   * only once after the last question.
   *
   * @throws {McpError} when the client has not declared the capability, answers with an error, or cannot be reached.
   * @throws the reason of `signal`, when the request is over.
   * @see https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation
   */
  readonly elicit: (params: ElicitRequestParams, options?: AskOptions) => Promise<ElicitResult>
  /**
   * Asks the client for a completion from its language model.
   *
   * @throws {McpError} when the client has not declared the capability, answers with an error, or cannot be reached.
   * @throws the reason of `signal`, when the request is over.
   * @see https://modelcontextprotocol.io/specification/2025-11-25/client/sampling
   */
  readonly sample: (params: CreateMessageRequestParams, options?: AskOptions) => Promise<CreateMessageResult>
  /**
   * Asks for the folders and files that the client works on.
   *
   * @throws {McpError} when the client has not declared the capability, answers with an error, or cannot be reached.
   * @throws the reason of `signal`, when the request is over.
   * @see https://modelcontextprotocol.io/specification/2025-11-25/client/roots
   */
  readonly roots: (options?: AskOptions) => Promise<Root[]>
  /**
   * Ends the HTTP response of a request over Streamable HTTP early. The client comes back for the rest, so a long call holds
   * no connection. Does nothing where a client cannot come back.
   *
   * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#sending-messages-to-the-server
   */
  readonly closeStream: () => void
}

type Ask = Exclude<RequestToClient, 'ping'>

/** The capability that the request needs and the client did not declare. Undefined when nothing is lacking. */
function lacking(method: Ask, params: object, client: ClientCapabilities): string | undefined {
  const { roots, sampling, elicitation } = client
  if (method === 'roots/list') return roots ? undefined : 'roots'
  if (method === 'sampling/createMessage') {
    if (!sampling) return 'sampling'
    const tools = 'tools' in params || 'toolChoice' in params
    return tools && !sampling.tools ? 'sampling.tools' : undefined
  }
  if (!elicitation) return 'elicitation'
  if ('mode' in params && params.mode === 'url') return elicitation.url ? undefined : 'elicitation.url'
  // An empty object, from the time when there was one mode, means forms.
  return elicitation.url && !elicitation.form ? 'elicitation.form' : undefined
}

/** The context of one call. Each function is made when a handler takes it: most handlers take none. */
export class CallContext implements HandlerContext {
  readonly #call: Call
  readonly #logger: Logger
  #saidLate = false

  constructor(call: Call, logger: Logger) {
    this.#call = call
    this.#logger = logger
  }

  get signal(): AbortSignal {
    return this.#call.signal
  }

  get requestId(): RequestId {
    return this.#call.request.id
  }

  get meta(): Meta | undefined {
    return this.#call.request.params?._meta
  }

  get principal(): string | undefined {
    return this.#call.peer.principal
  }

  get client(): ClientInfo {
    const { revision, clientInfo, clientCapabilities } = this.#call.peer
    return { revision, info: clientInfo, capabilities: clientCapabilities }
  }

  get session(): { readonly id: string } | undefined {
    const { session } = this.#call.peer
    return session?.isTransient ? undefined : session
  }

  get progress(): HandlerContext['progress'] {
    const progressToken = this.#call.request.params?._meta?.progressToken
    if (progressToken === undefined) return () => {}
    const mergeKey = `progress ${typeof progressToken} ${progressToken}`
    return (progress) => this.#notify('notifications/progress', { progressToken }, progress, mergeKey)
  }

  get log(): HandlerContext['log'] {
    return (level, data = null, logger) => {
      const { logLevel } = this.#call.peer
      if (logLevel === undefined || !isAtLeast(level, logLevel)) return
      this.#notify('notifications/message', logger === undefined ? { level } : { level, logger }, { data })
    }
  }

  get elicit(): HandlerContext['elicit'] {
    return (params, options) => handled(this.#ask('elicitation/create', params, options))
  }

  get sample(): HandlerContext['sample'] {
    return (params, options) => handled(this.#ask('sampling/createMessage', params, options))
  }

  get roots(): HandlerContext['roots'] {
    return (options) => handled(this.#ask('roots/list', {}, options).then(({ roots }) => roots))
  }

  get closeStream(): HandlerContext['closeStream'] {
    return () => {
      if (!this.#call.over) this.#call.outlet.closeStream()
    }
  }

  #notify(method: NotificationToClient, head: object, rest: object, mergeKey?: string): void {
    const { over, outlet, request, peer } = this.#call
    const fields = { session: peer.label, method: request.method }
    if (over) {
      if (!this.#saidLate)
        this.#logger.debug(fields, `${method} comes after the end of its request: not sent`)
      this.#saidLate = true
      return
    }
    try {
      const params = { ...head, ...rest }
      outlet.send(encodeMessage({ jsonrpc: JSONRPC_VERSION, method, params }), mergeKey)
    } catch (err) {
      this.#logger.error({ err, ...fields }, `${method} cannot be written as JSON: not sent`)
    }
  }

  async #ask<M extends Ask>(
    method: M,
    params: ParamsOf<M> & object,
    { key }: AskOptions = {},
  ): Promise<ResultOf<M>> {
    const call = this.#call
    if (call.over) throw call.endReason
    const capability = lacking(method, params, call.peer.clientCapabilities)
    if (capability === undefined) return call.outlet.request(method, params, key, call)
    const message = `${method} needs a client with the capability "${capability}", which this one did not declare`
    if (!isModernRevision(call.peer.revision)) throw new McpError(errorCodes.invalidRequest, message)
    const [name, mode] = capability.split('.')
    const requiredCapabilities = { [name!]: mode === undefined ? {} : { [mode]: {} } }
    throw new McpError(errorCodes.missingRequiredClientCapability, message, {
      data: { requiredCapabilities },
    })
  }
}

/**
 * A promise that does not end the process when it rejects before a handler awaits it: of two questions that are asked at once
 * and awaited one after the other, the second rejects with the first.
 */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
