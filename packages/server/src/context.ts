import {
  type ClientCapabilities,
  type CreateMessageRequestParams,
  type CreateMessageResult,
  type ElicitRequestParams,
  type ElicitResult,
  errorCodes,
  type LoggingLevel,
  McpError,
  type Meta,
  type ParamsOf,
  type RequestId,
  type RequestToClient,
  type ResultOf,
  type Root,
} from '@tidings/protocol'
import type { Call } from './call.ts'
import { isLoud } from './logging.ts'
import type { Session } from './sessions/session.ts'

/** How far a request has come, for the client that waits for it. */
export interface Progress {
  /** Must grow from one call to the next. */
  progress: number
  total?: number
  message?: string
}

/** The session a request came in on, as a handler sees it. */
export type SessionInfo = Pick<Session, 'id' | 'revision' | 'clientInfo' | 'clientCapabilities'>

/** What a handler is given besides its arguments. Its functions may be taken out of it: `({ signal, progress }) => ...`. */
export interface HandlerContext {
  /** Aborted when the answer is no longer wanted: client gone, request cancelled, time over, server stopping. */
  readonly signal: AbortSignal
  readonly requestId: RequestId
  /** The `_meta` of the request. */
  readonly meta: Meta | undefined
  /** Who asks: what the `principal` option made of the HTTP request. */
  readonly principal: string | undefined
  readonly session: SessionInfo
  /** Tells the client how far the request has come. Does nothing when the client did not ask to be told. */
  readonly progress: (progress: Progress) => void
  /** Sends a log message to the client, if it wants messages of this level. `data` is any JSON value. */
  readonly log: (level: LoggingLevel, data: unknown, logger?: string) => void
  /**
   * Asks the client's user, by a form or by a page to visit.
   *
   * @throws {McpError} when the client cannot do that (`invalidRequest`), or refuses.
   * @see https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation
   */
  readonly elicit: (params: ElicitRequestParams) => Promise<ElicitResult>
  /**
   * Asks the client for a completion from its language model.
   *
   * @throws {McpError} when the client cannot do that (`invalidRequest`), or refuses.
   * @see https://modelcontextprotocol.io/specification/2025-11-25/client/sampling
   */
  readonly sample: (params: CreateMessageRequestParams) => Promise<CreateMessageResult>
  /**
   * The folders and files the client works on.
   *
   * @throws {McpError} when the client cannot tell (`invalidRequest`), or refuses.
   * @see https://modelcontextprotocol.io/specification/2025-11-25/client/roots
   */
  readonly roots: () => Promise<Root[]>
}

type Ask = Exclude<RequestToClient, 'ping'>

/** The capability that the client would have to declare for the request, if it did not. */
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

/** The context of one call. Each function is made when a handler first takes it: most take none. */
export class CallContext implements HandlerContext {
  readonly #call: Call
  readonly #session: Session

  constructor(call: Call, session: Session) {
    this.#call = call
    this.#session = session
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
    return this.#session.principal
  }

  get session(): SessionInfo {
    return this.#session
  }

  get progress(): HandlerContext['progress'] {
    const progressToken = this.#call.request.params?._meta?.progressToken
    if (progressToken === undefined) return () => {}
    const mergeKey = `progress ${typeof progressToken} ${progressToken}`
    return (progress) => {
      if (this.#call.over) return
      this.#session.notify('notifications/progress', { progressToken, ...progress }, mergeKey)
    }
  }

  get log(): HandlerContext['log'] {
    return (level, data, logger) => {
      if (!isLoud(level, this.#session.logLevel)) return
      const params = logger === undefined ? { level, data } : { level, logger, data }
      this.#session.notify('notifications/message', params)
    }
  }

  get elicit(): HandlerContext['elicit'] {
    return (params) => this.#ask('elicitation/create', params)
  }

  get sample(): HandlerContext['sample'] {
    return (params) => this.#ask('sampling/createMessage', params)
  }

  get roots(): HandlerContext['roots'] {
    return async () => (await this.#ask('roots/list', {})).roots
  }

  async #ask<M extends Ask>(method: M, params: ParamsOf<M> & object): Promise<ResultOf<M>> {
    const capability = lacking(method, params, this.#session.clientCapabilities)
    if (capability !== undefined) {
      throw new McpError(
        errorCodes.invalidRequest,
        `${method} needs a client with the capability "${capability}", which this one did not declare`,
      )
    }
    return this.#session.asks.ask(method, params, this.signal)
  }
}
