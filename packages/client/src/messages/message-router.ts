import {
  errorCodes,
  type Implementation,
  isRequest,
  JSONRPC_VERSION,
  type JSONRPCNotification,
  type JSONRPCRequest,
  type JSONRPCResponse,
  type NotificationToServer,
  type OnLeftOut,
  type ParamsOf,
  type RequestId,
  type RequestToServer,
  type ResultOf,
} from '@tidings/protocol'
import { isMethod, parseParams } from '@tidings/protocol/client'
import { Deferred } from '../async/deferred.ts'
import { after, LinkedController } from '../async/signals.ts'
import { Turns } from '../async/turns.ts'
import { type CallOptions, Calls } from '../calls/calls.ts'
import { Connection, type StateEvent } from '../connection/connection.ts'
import { Heartbeat } from '../connection/heartbeat.ts'
import type { Era, EraParts, ServerDescription } from '../eras/era.ts'
import { LegacyEra } from '../eras/legacy-era.ts'
import { ModernEra } from '../eras/modern-era.ts'
import { ClientError, ClosedError, ConnectionError, TimeoutError } from '../errors.ts'
import { type Logger, warnOfLeftOut } from '../logger.ts'
import type { Timeouts } from '../timeouts.ts'
import type { ServerMessage, Transport, TransportListener } from '../transports/transport.ts'
import { Subscriptions } from '../watch/subscriptions.ts'
import { capabilitiesOf, type Handlers } from './handlers.ts'
import { Inbound } from './inbound.ts'
import { Listeners } from './listeners.ts'

/** The number of handlers of the user that run at a time, however many questions the server asks. */
const maxHandlers = 32
/** The number of responses that are being sent to the server at a time. Each takes a connection. */
const maxSends = 8
/** The number of responses that may wait to be sent. Further ones are dropped. */
const maxWaiting = 10_000

/** Options of a {@link MessageRouter}. */
export interface RouterOptions {
  url: URL
  /** Whether the transport speaks revision 2026-07-28. */
  isModern: boolean
  clientInfo: Implementation
  handlers: Handlers
  timeouts: Timeouts
  logger: Logger
}

/**
 * The engine of a client: brings each message to its place, in both directions, over a connection that comes and goes.
 */
export class MessageRouter implements TransportListener {
  readonly logger: Logger
  readonly connection: Connection
  readonly listeners: Listeners
  readonly subscriptions: Subscriptions
  readonly #transport: Transport
  readonly #inbound: Inbound
  readonly #calls: Calls
  readonly #era: Era
  readonly #closed = new Deferred<void>()
  readonly #onLeftOut: OnLeftOut
  readonly #handlers = new Turns(maxHandlers)
  readonly #sends = new Turns(maxSends)
  /** The number of responses that were not sent. */
  #dropped = 0
  #server: ServerDescription | undefined
  /** Counts the sessions: a response to a request of one must not be sent on the next. */
  #session = 0

  constructor(makeTransport: (listener: TransportListener) => Transport, options: RouterOptions) {
    const { url, isModern, clientInfo, handlers, timeouts, logger } = options
    const transport = (this.#transport = makeTransport(this))
    const connection = (this.connection = new Connection(transport, { url, ...timeouts }))
    const listeners = (this.listeners = new Listeners(logger))
    const inbound = (this.#inbound = new Inbound(handlers, logger))
    const calls = (this.#calls = new Calls(transport, connection, inbound, {
      timeouts,
      logger,
      server: url.origin + url.pathname,
    }))
    const identity = { clientInfo, capabilities: capabilitiesOf(handlers) }
    // A call that requires input waits for its turn: the number of calls is up to the user.
    const answerInput: EraParts['answerInput'] = (request, signal) =>
      this.#handlers.run(() => inbound.input(request, signal), signal)
    const era = (this.#era = isModern
      ? new ModernEra({ calls, connection, listeners, answerInput, identity })
      : new LegacyEra({ calls, connection, transport, identity }))
    this.logger = logger
    this.#onLeftOut = warnOfLeftOut(logger)
    this.subscriptions = new Subscriptions(era, connection, logger)
    const heartbeat = new Heartbeat(transport, (options) => era.request('ping', undefined, options))
    connection.onBegin(async (signal) => {
      this.#session++
      inbound.abortAll(new ConnectionError('The session was lost'))
      this.#server = await era.begin(signal)
    })
    connection.onState((event) => this.#stateChanged(event, heartbeat))
  }

  /** The server of the current session. */
  get server(): ServerDescription {
    if (!this.#server) throw new ConnectionError('There has not been a session yet', { mayHaveRun: false })
    return this.#server
  }

  get timeouts(): Timeouts {
    return this.#calls.timeouts
  }

  /** Resolves when the connection is closed and nothing is left open. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  request<M extends RequestToServer>(
    method: M,
    params: ParamsOf<M> | undefined,
    options?: CallOptions,
  ): Promise<ResultOf<M>> {
    return this.#era.request(method, params, options)
  }

  async notify<M extends NotificationToServer>(method: M, params: ParamsOf<M> | undefined): Promise<void> {
    await this.#send({ jsonrpc: JSONRPC_VERSION, method, ...(params && { params }) })
  }

  message(message: ServerMessage): void {
    if (isRequest(message)) void this.#answer(message)
    else this.#notified(message)
  }

  lost(error: Error): void {
    this.connection.lost(error)
  }

  async close(): Promise<void> {
    this.connection.close()
    await this.closed
  }

  #stateChanged(event: StateEvent, heartbeat: Heartbeat): void {
    if (event.state === 'connected') heartbeat.start()
    else heartbeat.stop()
    if (event.state === 'closed') {
      this.#transport.close().then(this.#closed.resolve, this.#closed.reject)
      this.#inbound.abortAll(event.error ?? new ClosedError('The client is closed'))
    }
    this.listeners.emit('state', event)
    if (event.state === 'closed') this.listeners.clear()
  }

  async #answer(request: JSONRPCRequest): Promise<void> {
    const { id, method } = request
    const session = this.#session
    const respond = (response: JSONRPCResponse | undefined) => {
      this.#calls.answered()
      return response && this.#respond(response, method, () => session === this.#session)
    }
    const answer = async () => respond(await this.#inbound.answer(request))
    // A ping has no handler that could be busy.
    if (method === 'ping') await answer()
    // The turn lasts until the handler has settled, even when the server has cancelled it, and the response is sent.
    else if (!this.#handlers.areTaken) await this.#handlers.run(answer)
    else await respond(failure(id, `Too many requests: this client answers ${maxHandlers} at a time`))
  }

  async #respond(response: JSONRPCResponse, method: string, isWanted: () => boolean): Promise<void> {
    if (this.#sends.waiting >= maxWaiting) {
      if (this.#dropped++ === 0)
        this.logger.warn({ method, maxWaiting }, 'responses are dropped: too many wait to be sent')
      return
    }
    const send = async () => {
      try {
        await this.#send(response, isWanted)
      } catch (error) {
        // What a handler returned may have no JSON. The server is told, so that it does not wait.
        if (error instanceof ClientError) throw error
        await this.#send(failure(response.id!, 'Internal error'), isWanted)
        throw error
      }
    }
    try {
      await this.#sends.run(send)
    } catch (err) {
      if (this.connection.state === 'closed') return
      this.logger.warn({ err, method }, 'a response could not be sent to the server')
    }
  }

  /** Sends a message without a response, when the connection is there, if it is still wanted then. */
  async #send(
    message: JSONRPCNotification | JSONRPCResponse,
    isWanted: () => boolean = () => true,
  ): Promise<void> {
    const { timeoutMs } = this.#calls.timeouts
    const abort = new LinkedController(this.connection.closing)
    const stop = after(timeoutMs, () => {
      const subject = 'method' in message ? message.method : 'A response'
      abort.abort(new TimeoutError(`${subject} could not be sent within ${timeoutMs} ms (timeoutMs)`))
    })
    try {
      if (this.#transport.requestsNeedStream) await this.connection.whenReady(abort.signal)
      if (isWanted()) await this.#transport.notify(message, { signal: abort.signal })
    } finally {
      stop()
      abort.release()
    }
  }

  #notified(message: JSONRPCNotification): void {
    const { method } = message
    try {
      if (!isMethod(method)) return this.logger.debug({ method }, 'the server sent an unknown notification')
      const params: unknown = parseParams(method, message.params, this.#onLeftOut)
      this.#era.notified(message)
      if (method === 'notifications/resources/updated')
        this.subscriptions.changed((params as ParamsOf<typeof method>).uri)
      else if (method === 'notifications/progress') this.#calls.progressed(params as ParamsOf<typeof method>)
      else if (method === 'notifications/cancelled')
        this.#inbound.cancelled(params as ParamsOf<typeof method>)
      this.listeners.emit(method, params)
    } catch (err) {
      this.logger.warn({ err, method }, 'the server sent a notification with wrong params')
    }
  }
}

function failure(id: RequestId, message: string): JSONRPCResponse {
  return { jsonrpc: JSONRPC_VERSION, id, error: { code: errorCodes.internalError, message } }
}
