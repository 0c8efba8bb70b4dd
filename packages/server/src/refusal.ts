import { errorCodes, JSONRPC_VERSION, McpError, type RequestId } from '@tidings/protocol'
import { LimitError } from './quota.ts'

interface RefusalOptions {
  /** The code of the JSON-RPC error. Default `invalidRequest`. */
  code?: number
  /** The `data` of the JSON-RPC error. */
  data?: unknown
  /** The id of the request, where one is refused that might have been answered. */
  id?: RequestId | undefined
  /** Tells the client to try again after a second. */
  retry?: boolean
  /** The connection ends with the response: nothing more can be read from it, or it would keep the server from stopping. */
  closesConnection?: boolean
}

/** An HTTP request that is not served: the status of the response, and the JSON-RPC error in its body. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly code: number
  readonly data: unknown
  readonly id: RequestId | undefined
  readonly retry: boolean
  readonly closesConnection: boolean

  constructor(
    status: number,
    message: string,
    {
      code = errorCodes.invalidRequest,
      data,
      id,
      retry = false,
      closesConnection = false,
    }: RefusalOptions = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.data = data
    this.id = id
    this.retry = retry
    this.closesConnection = closesConnection
  }

  /**
   * The one table from cause to status. Undefined for a failure that is not the client's doing.
   *
   * @param closesConnection as in the constructor, for a limit.
   */
  static from(thrown: unknown, closesConnection = false): Refusal | undefined {
    if (thrown instanceof Refusal) return thrown
    if (thrown instanceof LimitError) {
      const { code, data } = thrown.toMcpError()
      return new Refusal(thrown.status, thrown.message, { code, data, retry: true, closesConnection })
    }
    if (!(thrown instanceof McpError)) return undefined
    const { code, data, message } = thrown
    return new Refusal(code === errorCodes.internalError ? 500 : 400, message, { code, data })
  }

  /**
   * The body of the response.
   *
   * @param id of the request that is refused, where the transport names it.
   */
  toJSON(id = this.id): object {
    const { code, message, data } = this
    return {
      jsonrpc: JSONRPC_VERSION,
      ...(id !== undefined && { id }),
      error: { code, message, ...(data !== undefined && { data }) },
    }
  }
}

/** The server no longer takes new sessions or requests. */
export function stopping(): Refusal {
  return new Refusal(503, 'The server is stopping', { retry: true, closesConnection: true })
}

/** The session was opened by another process, and no backplane is shared with that. Clients then begin a new one. */
export function openedElsewhere(): Refusal {
  return new Refusal(
    404,
    'This session was opened by another process, one that ran before or one that serves the same address, ' +
      'and processes share sessions only over a backplane: open a new one',
  )
}

/** The session is not known, or no longer. Clients then begin a new one. */
export function sessionNotFound(): Refusal {
  return new Refusal(404, 'There is no such session (any more): open a new one')
}
