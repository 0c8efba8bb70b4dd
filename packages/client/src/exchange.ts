import {
  isMethod,
  isRequest,
  isLegacyRevision,
  JSONRPC_VERSION,
  type JSONRPCNotification,
  type JSONRPCRequest,
  type JSONRPCResponse,
  latestLegacyRevision,
  type Implementation,
  type InitializeResult,
  type NotificationToServer,
  type ParamsOf,
  parseParams,
  type RequestToServer,
  type ResultOf,
  type Revision,
  legacyRevisions,
} from '@tidings/protocol'
import { Calls } from './calls.ts'
import { Connection, type State, type StateEvent } from './connection.ts'
import { ClosedError, ConnectionError, RefusedError, TimeoutError } from './errors.ts'
import { capabilitiesOf, type Handlers } from './handlers.ts'
import { Heartbeat } from './heartbeat.ts'
import { Inbound } from './inbound.ts'
import { Listeners } from './listeners.ts'
import type { Logger } from './logger.ts'
import { after, LinkedController } from './signals.ts'
import type { Transport, TransportListener } from './transports/transport.ts'

/** What an {@link Exchange} is made with. */
export interface ExchangeOptions {
  url: URL
  makeTransport(listener: TransportListener): Transport
  clientInfo: Implementation
  handlers: Handlers
  timeoutMs: number
  totalTimeoutMs: number
  connectTimeoutMs: number
  logger: Logger
}

/** What `initialize` told of the server. */
export interface ServerDescription extends InitializeResult {
  protocolVersion: Revision
}

/** How what a session has to know is told to a new one: past those who wait for the connection. */
export type Restore = (options: { signal: AbortSignal; ready(): Promise<void> }) => Promise<void>

/** Brings messages to where they belong, both ways, over a connection that may come and go. */
export class Exchange {
  readonly #options: ExchangeOptions
  readonly #transport: Transport
  readonly #connection: Connection
  readonly #calls: Calls
  readonly #inbound: Inbound
  readonly #listeners: Listeners
  readonly #heartbeat: Heartbeat
  readonly #restores: Restore[] = []
  #server: ServerDescription | undefined
  /** Counts the sessions: what belongs to an earlier one is not to be sent on a later one. */
  #session = 0
  #closed: Promise<void> | undefined

  constructor(options: ExchangeOptions) {
    const { url, logger, handlers, timeoutMs, totalTimeoutMs, connectTimeoutMs } = options
    this.#options = options
    this.#listeners = new Listeners(logger)
    this.#inbound = new Inbound(handlers, logger)
    const transport = (this.#transport = options.makeTransport({
      message: (message) => this.#receive(message),
      dropped: (error) => this.#connection.lost(error),
    }))
    const connection = (this.#connection = new Connection({
      transport,
      url,
      connectTimeoutMs,
      begin: (signal) => this.#begin(signal),
      restore: (signal) => this.#restore(signal),
      onState: (event) => this.#stateChanged(event),
    }))
    this.#calls = new Calls({
      transport,
      logger,
      timeoutMs,
      totalTimeoutMs,
      ready: (signal) => connection.ready(signal),
      busy: () => this.#inbound.busy,
      closing: connection.closing,
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
  get closing(): AbortSignal {
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
  async ready(signal: AbortSignal): Promise<void> {
    await this.#connection.ready(signal)
  }

  async request<M extends RequestToServer>(
    method: M,
    params: ParamsOf<M> | undefined,
    options?: Parameters<Calls['request']>[2],
  ): Promise<ResultOf<M>> {
    return this.#calls.request(method, params, options)
  }

  async notify<M extends NotificationToServer>(method: M, params: ParamsOf<M> | undefined): Promise<void> {
    await this.#send({ jsonrpc: JSONRPC_VERSION, method, ...(params && { params }) })
  }

  /** Listens to a notification, or to `state`. */
  on(name: string, listener: (value: never) => void): () => void {
    return this.#listeners.on(name, listener)
  }

  /** Has something told to each session after the first, before it is used. */
  onNewSession(restore: Restore): void {
    this.#restores.push(restore)
  }

  /** Resolves when nothing is left open. */
  async close(): Promise<void> {
    this.#connection.close()
    await this.#closed
  }

  async #begin(signal: AbortSignal): Promise<void> {
    this.#session++
    this.#inbound.abortAll(new ConnectionError('The session was lost'))
    const { clientInfo, handlers } = this.#options
    const capabilities = capabilitiesOf(handlers)
    const params = { protocolVersion: latestLegacyRevision, capabilities, clientInfo }
    const result = await this.#calls.request('initialize', params, { signal, ready: atOnce })
    const { protocolVersion } = result
    if (!isLegacyRevision(protocolVersion)) {
      const spoken = legacyRevisions.join(', ')
      throw new RefusedError(`The server speaks revision ${protocolVersion}; this client speaks ${spoken}`)
    }
    this.#server = { ...result, protocolVersion }
    await this.#transport.notify(
      { jsonrpc: JSONRPC_VERSION, method: 'notifications/initialized' },
      { signal },
    )
  }

  async #restore(signal: AbortSignal): Promise<void> {
    for (const restore of this.#restores) await restore({ signal, ready: atOnce })
  }

  #stateChanged(event: StateEvent): void {
    if (event.state === 'connected') this.#heartbeat.start()
    else this.#heartbeat.stop()
    if (event.state === 'closed') {
      this.#closed = this.#transport.close()
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
      this.logger.warn(
        { err, method: request.method },
        'the server could not be sent the response to its request',
      )
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
      await this.ready(abort.signal)
      if (wanted()) await this.#transport.notify(message, { signal: abort.signal })
    } finally {
      stop()
      abort.release()
    }
  }

  #notified({ method, params }: JSONRPCNotification): void {
    try {
      if (!isMethod(method)) return this.logger.debug({ method }, 'the server sent an unknown notification')
      const checked: unknown = parseParams(method, params)
      if (method === 'notifications/progress') this.#calls.progressed(checked as ParamsOf<typeof method>)
      if (method === 'notifications/cancelled') this.#inbound.cancelled(checked as ParamsOf<typeof method>)
      this.#listeners.emit(method, checked)
    } catch (err) {
      this.logger.warn({ err, method }, 'the server sent a notification with wrong params')
    }
  }
}

const atOnce = () => Promise.resolve()
