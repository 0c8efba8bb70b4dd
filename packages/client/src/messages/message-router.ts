import {
  isMethodToClient,
  isRequest,
  JSONRPC_VERSION,
  type JSONRPCNotification,
  type JSONRPCRequest,
  type JSONRPCResponse,
  type Implementation,
  type NotificationToServer,
  type ParamsOf,
  parseParamsToClient,
  type RequestToServer,
  type ResultOf,
} from '@tidings/protocol'
import { type CallOptions, Calls } from '../calls/calls.ts'
import { Connection, type State, type StateEvent } from '../connection/connection.ts'
import type { Era, ServerDescription } from '../eras/era.ts'
import { ClosedError, ConnectionError, TimeoutError } from '../errors.ts'
import { capabilitiesOf, type Handlers } from './handlers.ts'
import { Heartbeat } from '../connection/heartbeat.ts'
import { Inbound } from './inbound.ts'
import { LegacyEra } from '../eras/legacy-era.ts'
import { Listeners } from './listeners.ts'
import type { Logger } from '../logger.ts'
import { ModernEra } from '../eras/modern-era.ts'
import { isKnownChange } from './known-change.ts'
import { after, LinkedController, type Signal } from '../async/signals.ts'
import type { TransportName, Transport, TransportListener } from '../transports/transport.ts'

/** What an {@link Exchange} is made with. */
export interface ExchangeOptions {
  url: URL
  transportName: TransportName
  makeTransport(listener: TransportListener): Transport
  clientInfo: Implementation
  handlers: Handlers
  timeoutMs: number
  totalTimeoutMs: number
  connectTimeoutMs: number
  logger: Logger
  /** Called when it is closed, and the server has been told. */
  closed: () => void
}

/** How what the server has to know is told again: past those who wait for the connection. */
export type Restore = (options: {
  signal: Signal
  ready(): Promise<void>
  /** Whether changes may have been missed. */
  missed: boolean
}) => Promise<void>

/** Brings messages to where they belong, both ways, over a connection that may come and go. */
export class Exchange {
  readonly #options: ExchangeOptions
  readonly #transport: Transport
  readonly #connection: Connection
  readonly #calls: Calls
  readonly #inbound: Inbound
  readonly #listeners: Listeners
  readonly #heartbeat: Heartbeat
  readonly #era: Era
  readonly #restores: Restore[] = []
  #server: ServerDescription | undefined
  /** Counts the sessions: what belongs to one is not to be sent on the next. */
  #session = 0
  #closed: Promise<void> | undefined

  constructor(options: ExchangeOptions) {
    const { transportName, logger, handlers } = options
    this.#options = options
    this.#listeners = new Listeners(logger)
    this.#inbound = new Inbound(handlers, logger)
    const transport = (this.#transport = options.makeTransport({
      message: (message) => this.#receive(message),
      dropped: (error) => this.#connection.lost(error),
    }))
    const connection = (this.#connection = new Connection({
      ...options,
      transport,
      begin: (signal) => this.#begin(signal),
      restore: (signal) => this.#restore(signal),
      onState: (event) => this.#stateChanged(event),
    }))
    const { closing } = connection
    const Era = transportName === 'stateless' ? ModernEra : LegacyEra
    const era: Era = (this.#era = new Era({
      ...options,
      capabilities: capabilitiesOf(handlers),
      closing,
      call: (method, params, options) => this.#calls.request(method, params, options),
      notify: (message, options) => transport.notify(message, options),
      answer: (request, signal) => this.#inbound.input(request, signal),
      isHeard: (method) => this.#listeners.has(method),
      receive: (message) => this.#receive(message),
      lost: (error) => connection.lost(error),
      missed: () => connection.missed(),
    }))
    this.#calls = new Calls({
      ...options,
      transport,
      parseResult: era.parseResult,
      meta: () => era.meta(),
      ready: (signal) => connection.ready(signal),
      busy: () => this.#inbound.busy,
      closing,
    })
    this.#heartbeat = new Heartbeat({
      heardAt: () => transport.heardAt,
      ping: (options) => this.request('ping', undefined, options),
      silent: (error) => transport.drop(error),
    })
  }

  get state(): State {
    return this.#connection.state
  }

  /** Aborted when it is closed, with a {@link ClosedError}; that has a cause when it was not asked for. */
  get closing(): Signal {
    return this.#connection.closing
  }

  get logger(): Logger {
    return this.#options.logger
  }

  /** The server of the present session. */
  get server(): ServerDescription {
    if (!this.#server) throw new ConnectionError('There has not been a session yet', { mayHaveRun: false })
    return this.#server
  }

  /** Connects. Throws what that failed by. */
  async open(): Promise<void> {
    await this.#connection.open()
  }

  /** Resolves when messages can be sent. */
  async ready(signal: Signal): Promise<void> {
    await this.#connection.ready(signal)
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

  /** Listens to a notification, or to `state`. */
  on(name: string, listener: (value: never) => void): () => void {
    const off = this.#listeners.on(name, listener)
    this.#era.listenersChanged()
    return () => {
      off()
      this.#era.listenersChanged()
    }
  }

  /** Has something told to the server again when the connection was lost, before it is used. */
  onNewSession(restore: Restore): void {
    this.#restores.push(restore)
  }

  /** Resolves when nothing is left open. */
  async close(): Promise<void> {
    this.#connection.close()
    await this.#closed
  }

  async #begin(signal: Signal): Promise<void> {
    this.#session++
    this.#inbound.abortAll(new ConnectionError('The session was lost'))
    this.#server = await this.#era.begin(signal)
  }

  async #restore(signal: Signal): Promise<void> {
    await this.#era.restore(signal)
    const missed = this.#connection.hasMissed
    for (const restore of this.#restores) await restore({ signal, ready: atOnce, missed })
  }

  #stateChanged(event: StateEvent): void {
    if (event.state === 'connected') this.#heartbeat.start()
    else this.#heartbeat.stop()
    if (event.state === 'closed') {
      this.#closed = this.#transport.close().finally(this.#options.closed)
      this.#inbound.abortAll(event.error ?? new ClosedError('The client is closed'))
    }
    this.#listeners.emit('state', event)
    if (event.state === 'closed') this.#listeners.clear()
  }

  #receive(message: JSONRPCRequest | JSONRPCNotification): void {
    if (isRequest(message)) void this.#answer(message)
    else this.#notified(message)
  }

  async #answer(request: JSONRPCRequest): Promise<void> {
    const session = this.#session
    const response = await this.#inbound.answer(request)
    this.#calls.answered()
    try {
      if (response) await this.#send(response, () => session === this.#session)
    } catch (err) {
      if (this.state === 'closed') return
      this.logger.warn({ err, method: request.method }, 'the server could not be sent its response')
    }
  }

  /** Sends what is not answered, when the connection is there, if it is still wanted then. */
  async #send(
    message: JSONRPCNotification | JSONRPCResponse,
    wanted: () => boolean = () => true,
  ): Promise<void> {
    const { timeoutMs } = this.#options
    const abort = new LinkedController(this.closing)
    const stop = after(timeoutMs, () => {
      const what = 'method' in message ? message.method : 'A response'
      abort.abort(new TimeoutError(`${what} could not be sent within ${timeoutMs} ms (timeoutMs)`))
    })
    try {
      if (!this.#transport.independent) await this.ready(abort.signal)
      if (wanted()) await this.#transport.notify(message, { signal: abort.signal })
    } finally {
      stop()
      abort.release()
    }
  }

  #notified(message: JSONRPCNotification): void {
    const { method, params } = message
    try {
      let checked: unknown = params
      if (!isKnownChange(message)) {
        if (!isMethodToClient(method))
          return this.logger.debug({ method }, 'the server sent an unknown notification')
        checked = parseParamsToClient(method, params)
        if (method === 'notifications/progress') this.#calls.progressed(checked as ParamsOf<typeof method>)
        if (method === 'notifications/cancelled') this.#inbound.cancelled(checked as ParamsOf<typeof method>)
      }
      this.#era.notified(message)
      this.#listeners.emit(method, checked)
    } catch (err) {
      this.logger.warn({ err, method }, 'the server sent a notification with wrong params')
    }
  }
}

const atOnce = () => Promise.resolve()
