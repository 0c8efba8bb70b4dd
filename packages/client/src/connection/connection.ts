import { ClosedError, HttpError, isFinal, TimeoutError } from '../errors.ts'
import { Deferred } from '../async/deferred.ts'
import { Backoff } from '../async/reconnect.ts'
import { abortable, after, LinkedController, type Signal } from '../async/signals.ts'
import type { Transport } from '../transports/transport.ts'

/** What a client's connection is in. */
export type State = 'connecting' | 'connected' | 'reconnecting' | 'closed'

/** What a listener of `state` is told. */
export interface StateEvent {
  state: State
  /**
   * With `connected`, after the connection was lost: true when everything goes on and nothing was missed; false when
   * the session is a new one, or what the server had to tell meanwhile may have been missed.
   */
  recovered?: boolean
  /** With `reconnecting`, why: once for the loss, and again for each attempt that failed. With `closed`, unless asked for. */
  error?: Error
}

/** What a {@link Connection} is made with. */
export interface ConnectionOptions {
  transport: Transport
  url: URL
  connectTimeoutMs: number
  /** Begins a session on what has been opened: the handshake. */
  begin: (signal: Signal) => Promise<void>
  /**
   * Brings things to where they were before the loss. May take as long as it needs, and says by
   * {@link Connection.missed} when not all can be known that happened meanwhile.
   */
  restore: (signal: Signal) => Promise<void>
  onState: (event: StateEvent) => void
  backoff?: Backoff
}

/** Keeps a transport open: opens it again, for as long as it takes, whenever it is lost. */
export class Connection {
  readonly #options: ConnectionOptions
  readonly #backoff: Backoff
  readonly #closing = new LinkedController()
  #state: State = 'connecting'
  /** Settled when the state is `connected` or `closed`. */
  #ready = new Deferred<void>()
  /** Aborted when the attempt under way has failed. */
  #attempt: LinkedController | undefined
  /** False while the session has not been begun, or was begun in part. */
  #begun = false
  /** False while there is something to be restored: also when an attempt that was to do so has failed. */
  #restored = true
  #hasMissed = false
  #connectedAt = 0

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#backoff = options.backoff ?? new Backoff()
  }

  get state(): State {
    return this.#state
  }

  /** Aborted when it is closed, with a {@link ClosedError}. */
  get closing(): Signal {
    return this.#closing.signal
  }

  /** Makes the first attempt, and no other. Throws what it failed by. */
  async open(): Promise<void> {
    await this.#connect()
  }

  /** Resolves when messages can be sent. Rejects with the signal's reason, or when the connection is closed. */
  async ready(signal: Signal): Promise<void> {
    await abortable(this.#ready.promise, signal)
  }

  /** To be told by the transport: what was open is lost. */
  lost(error: Error): void {
    if (this.#attempt) this.#attempt.abort(error)
    else if (this.#state === 'connected') void this.#reconnect(error)
  }

  /** Something may have been missed since the connection was lost. It is not forgotten until the connection is there. */
  missed(): void {
    this.#hasMissed = true
  }

  get hasMissed(): boolean {
    return this.#hasMissed
  }

  /** Closes. Who waits is rejected with a {@link ClosedError}. */
  close(error?: Error): void {
    if (this.#state === 'closed') return
    const closed = new ClosedError(
      error
        ? `The client is closed, since it can no longer connect: ${error.message}`
        : 'The client is closed',
      { cause: error, mayHaveRun: false },
    )
    this.#state = 'closed'
    this.#ready.reject(closed)
    this.#closing.abort(closed)
    this.#options.onState(error ? { state: 'closed', error } : { state: 'closed' })
  }

  async #reconnect(lostBy: Error): Promise<void> {
    let error = lostBy
    let livedMs = Date.now() - this.#connectedAt
    this.#ready = new Deferred()
    for (;;) {
      if (this.#closing.signal.aborted) return
      if (isFinal(error)) return this.close(error)
      this.#setState({ state: 'reconnecting', error })
      try {
        const { retryMs } = this.#options.transport
        const retryAfterMs = error instanceof HttpError ? error.retryAfterMs : undefined
        await this.#backoff.pause({ livedMs, retryMs, retryAfterMs }, this.#closing.signal)
        return await this.#connect()
      } catch (failed) {
        error = failed as Error
        livedMs = 0
      }
    }
  }

  /** One attempt. */
  async #connect(): Promise<void> {
    const { transport, url, connectTimeoutMs, begin, restore } = this.#options
    const attempt = (this.#attempt = new LinkedController(this.#closing.signal))
    let doing = 'waiting for the event stream'
    const stop = after(connectTimeoutMs, () => {
      const message = `No connection to ${url.href} within ${connectTimeoutMs} ms (connectTimeoutMs): still ${doing}`
      attempt.abort(new TimeoutError(message, { mayHaveRun: false }))
    })
    try {
      const opened = await transport.open({ resume: this.#begun, signal: attempt.signal })
      doing = 'waiting for the server to say who it is'
      if (opened === 'new') {
        this.#begun = false
        await abortable(begin(attempt.signal), attempt.signal)
      }
      stop()
      if (opened !== 'resumed') this.#restored = false
      if (!this.#restored) await abortable(restore(attempt.signal), attempt.signal)
      attempt.signal.throwIfAborted()
      this.#begun = true
      // Without a step between: a loss is either the attempt's or the connection's.
      this.#attempt = undefined
      const recovered = !this.#hasMissed
      this.#restored = true
      this.#hasMissed = false
      this.#setState({ state: 'connected', ...(this.#state !== 'connecting' && { recovered }) })
    } catch (error) {
      this.#attempt = undefined
      transport.drop(error as Error)
      // Whatever is still under way for the session is not to go on.
      attempt.abort(error)
      throw error
    } finally {
      attempt.release()
      stop()
    }
  }

  #setState(event: StateEvent): void {
    this.#state = event.state
    if (event.state === 'connected') {
      this.#connectedAt = Date.now()
      this.#ready.resolve()
    }
    this.#options.onState(event)
  }
}
