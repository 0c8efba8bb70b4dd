import {
  type Implementation,
  isRequest,
  JSONRPC_VERSION,
  type JSONRPCNotification,
  type JSONRPCRequest,
  type JSONRPCResponse,
  type NotificationToServer,
  type OnLeftOut,
  type ParamsOf,
  type RequestToServer,
  type ResultOf,
} from '@tidings/protocol'
import { isMethod, parseParams } from '@tidings/protocol/client'
import { Deferred } from '../async/deferred.ts'
import { after, LinkedController } from '../async/signals.ts'
import { type CallOptions, Calls } from '../calls/calls.ts'
import { Connection, type StateEvent } from '../connection/connection.ts'
import { Heartbeat } from '../connection/heartbeat.ts'
import type { Era, ServerDescription } from '../eras/era.ts'
import { LegacyEra } from '../eras/legacy-era.ts'
import { ModernEra } from '../eras/modern-era.ts'
import { ClosedError, ConnectionError, TimeoutError } from '../errors.ts'
import { type Logger, warnOfLeftOut } from '../logger.ts'
import type { Timeouts } from '../timeouts.ts'
import type { ServerMessage, Transport, TransportListener } from '../transports/transport.ts'
import { Subscriptions } from '../watch/subscriptions.ts'
import { capabilitiesOf, type Handlers } from './handlers.ts'
import { Inbound } from './inbound.ts'
import { Listeners } from './listeners.ts'

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
  #server: ServerDescription | undefined
  /** Counts the sessions: a response to a request of one must not be sent on the next. */
  #session = 0

  constructor(makeTransport: (listener: TransportListener) => Transport, options: RouterOptions) {
    const { url, isModern, clientInfo, handlers, timeouts, logger } = options
    const transport = (this.#transport = makeTransport(this))
    const connection = (this.connection = new Connection(transport, { url, ...timeouts }))
    const listeners = (this.listeners = new Listeners(logger))
    const inbound = (this.#inbound = new Inbound(handlers, logger))
    const calls = (this.#calls = new Calls(transport, connection, inbound, timeouts, logger))
    const identity = { clientInfo, capabilities: capabilitiesOf(handlers) }
    const era = (this.#era = isModern
      ? new ModernEra({ calls, connection, listeners, inbound, identity })
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
    const session = this.#session
    const response = await this.#inbound.answer(request)
    this.#calls.answered()
    try {
      if (response) await this.#send(response, () => session === this.#session)
    } catch (err) {
      if (this.connection.state === 'closed') return
      this.logger.warn({ err, method: request.method }, 'a response could not be sent to the server')
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
