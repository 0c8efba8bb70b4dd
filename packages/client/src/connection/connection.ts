import { Deferred } from '../async/deferred.ts'
import { Backoff } from '../async/reconnect.ts'
import { abortable, after, LinkedController, type Signal } from '../async/signals.ts'
import { ClosedError, HttpError, isPermanent, TimeoutError } from '../errors.ts'
import type { Transport } from '../transports/transport.ts'

/** The state of a client's connection. */
export type State = 'connecting' | 'connected' | 'reconnecting' | 'closed'

/** The argument of a `state` listener. */
export interface StateEvent {
  state: State
  /**
   * Set when the client is `connected` again after a loss. True when the session goes on and no message was missed.
   * False when the session is new, or messages may have been missed.
   */
  recovered?: boolean
  /**
   * With `reconnecting`: the loss, and then the failure of each attempt. With `closed`: the error that ended the
   * connection; absent after `close()`.
   */
  error?: Error
}

/** The argument of each step that restores the state of the session. */
export interface Restoring {
  signal: Signal
  /** Whether changes may have been missed. */
  missed: boolean
}

/** Keeps a transport open: when the connection is lost, it opens the transport again, for as long as that takes. */
export class Connection {
  readonly #transport: Transport
  readonly #url: URL
  readonly #timeoutMs: number
  #begin: (signal: Signal) => Promise<void> = async () => {}
  readonly #restores: ((restoring: Restoring) => Promise<void>)[] = []
  #onState: (event: StateEvent) => void = () => {}
  readonly #backoff = new Backoff()
  readonly #closing = new LinkedController()
  #state: State = 'connecting'
  /** Settled when the state is `connected` or `closed`. */
  #ready = new Deferred<void>()
  /** The attempt under way. Aborted when it has failed. */
  #attempt: LinkedController | undefined
  /** False while the session has not been begun, or only in part. */
  #begun = false
  /** False while something has to be restored, also after an attempt to restore it has failed. */
  #restored = true
  #hasMissed = false
  #connectedAt = 0

  constructor(transport: Transport, { url, connectTimeoutMs }: { url: URL; connectTimeoutMs: number }) {
    this.#transport = transport
    this.#url = url
    this.#timeoutMs = connectTimeoutMs
  }

  get state(): State {
    return this.#state
  }

  /** Aborted with a {@link ClosedError} when the connection is closed. */
  get closing(): Signal {
    return this.#closing.signal
  }

  /** Sets the step that begins a session on a transport that was opened: the handshake. */
  onBegin(begin: (signal: Signal) => Promise<void>): void {
    this.#begin = begin
  }

  /**
   * Registers a step that brings the session to its state before the loss. The steps run in the order of registration
   * and may take any time. A step calls {@link markMissed} when it cannot find out what happened meanwhile.
   */
  onRestore(restore: (restoring: Restoring) => Promise<void>): void {
    this.#restores.push(restore)
  }

  /** Sets the listener of the state. */
  onState(listener: (event: StateEvent) => void): void {
    this.#onState = listener
  }

  /** Makes the first attempt to connect, and no other. Throws the error of the attempt. */
  async open(): Promise<void> {
    await this.#connect()
  }

  /** Resolves when messages can be sent. Rejects with the signal's reason, or when the connection is closed. */
  async whenReady(signal: Signal): Promise<void> {
    await abortable(this.#ready.promise, signal)
  }

  /** The transport has lost its connection. */
  lost(error: Error): void {
    if (this.#attempt) this.#attempt.abort(error)
    else if (this.#state === 'connected') void this.#reconnect(error)
  }

  /** Records that messages may have been missed since the loss. The record lasts until the connection is back. */
  markMissed(): void {
    this.#hasMissed = true
  }

  /** Closes the connection. Everything that waits for it rejects with a {@link ClosedError}. */
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
    this.#onState(error ? { state: 'closed', error } : { state: 'closed' })
  }

  async #reconnect(lostBy: Error): Promise<void> {
    let error = lostBy
    let livedMs = Date.now() - this.#connectedAt
    this.#ready = new Deferred()
    for (;;) {
      if (this.#closing.signal.aborted) return
      if (isPermanent(error)) return this.close(error)
      this.#setState({ state: 'reconnecting', error })
      try {
        const { retryMs } = this.#transport
        const retryAfterMs = error instanceof HttpError ? error.retryAfterMs : undefined
        await this.#backoff.pause({ livedMs, retryMs, retryAfterMs }, this.#closing.signal)
        return await this.#connect()
      } catch (failed) {
        error = failed as Error
        livedMs = 0
      }
    }
  }

  /** Makes one attempt. */
  async #connect(): Promise<void> {
    const timeoutMs = this.#timeoutMs
    const attempt = (this.#attempt = new LinkedController(this.#closing.signal))
    let doing = 'waiting for the event stream'
    const stop = after(timeoutMs, () => {
      const message = `No connection to ${this.#url.href} within ${timeoutMs} ms (connectTimeoutMs): still ${doing}`
      attempt.abort(new TimeoutError(message, { mayHaveRun: false }))
    })
    try {
      const opened = await this.#transport.open({ resume: this.#begun, signal: attempt.signal })
      doing = "waiting for the server's description"
      if (opened === 'new') {
        this.#begun = false
        await abortable(this.#begin(attempt.signal), attempt.signal)
      }
      stop()
      if (opened !== 'resumed') this.#restored = false
      if (!this.#restored) await abortable(this.#restore(attempt.signal), attempt.signal)
      attempt.signal.throwIfAborted()
      this.#begun = true
      // From here to the end nothing is awaited: a loss belongs either to the attempt or to the connection.
      this.#attempt = undefined
      const recovered = !this.#hasMissed
      this.#restored = true
      this.#hasMissed = false
      this.#setState({ state: 'connected', ...(this.#state !== 'connecting' && { recovered }) })
    } catch (error) {
      this.#attempt = undefined
      this.#transport.drop(error as Error)
      // Stops what is still under way for this session.
      attempt.abort(error)
      throw error
    } finally {
      attempt.release()
      stop()
    }
  }

  async #restore(signal: Signal): Promise<void> {
    for (const restore of this.#restores) await restore({ signal, missed: this.#hasMissed })
  }

  #setState(event: StateEvent): void {
    this.#state = event.state
    if (event.state === 'connected') {
      this.#connectedAt = Date.now()
      this.#ready.resolve()
    }
    this.#onState(event)
  }
}
