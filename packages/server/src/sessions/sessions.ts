import { randomBytes } from 'node:crypto'
import type { Call } from '../call.ts'
import type { Calls } from '../calls.ts'
import type { ChangeIndex } from '../changes/change-index.ts'
import type { Logger } from '../logger.ts'
import type { MailboxLimits } from './mailbox.ts'
import { Session, type SessionHome } from './session.ts'

export interface SessionsOptions {
  maxSessions: number
  /** How long a session is kept whose stream was lost, and what was written to it. */
  resumeWithinMs: number
  /** How long a session is kept whose client does without a stream, since it was last heard of. */
  idleTimeoutMs: number
  logger: Logger
  /** Where the requests in flight are kept. */
  calls: Calls
}

/** Why a session cannot be had. */
export type Refusal = 'unknown' | 'of another principal' | 'too many' | 'closing'

/**
 * The open sessions of one mount, by id. A session without a stream is kept for a while, for its client to return, and
 * is the first to go when there are too many.
 */
export class Sessions implements SessionHome {
  readonly changes: ChangeIndex
  readonly mailboxLimits: MailboxLimits
  /** How often what happened. */
  readonly counts = { opened: 0, resumed: 0, refused: 0, ended: {} as Record<string, number> }
  readonly #options: SessionsOptions
  readonly #sessions = new Map<string, Session>()
  /** Sessions without a stream, and when they last were heard of; longest ago first. */
  readonly #detached = new Map<Session, number>()
  #sweeper: NodeJS.Timeout | undefined
  #closing = false

  constructor(changes: ChangeIndex, options: SessionsOptions) {
    this.changes = changes
    this.#options = options
    this.mailboxLimits = { maxMessages: 10_000, maxBytes: 4 * 1024 * 1024, keepMs: options.resumeWithinMs }
  }

  get size(): number {
    return this.#sessions.size
  }

  get closing(): boolean {
    return this.#closing
  }

  /**
   * Opens a session.
   *
   * @param chosenId the id its client has chosen; one is made here otherwise, of 128 random bits.
   * @param needsStream whether its client cannot do without a stream, and so is gone when it has lost it.
   */
  open(
    principal: string | undefined,
    { chosenId, needsStream = false }: { chosenId?: string; needsStream?: boolean } = {},
  ): Session | Refusal {
    if (this.#closing) return this.#refuse('closing')
    if (this.#sessions.size >= this.#options.maxSessions) {
      const [longestAway] = this.#detached.keys()
      if (longestAway === undefined) return this.#refuse('too many')
      longestAway.end('too many sessions')
    }
    const key = randomBytes(16).toString('base64url')
    const session = new Session(chosenId ?? key, principal, this, key)
    const { resumeWithinMs, idleTimeoutMs } = this.#options
    session.keepMs = needsStream ? resumeWithinMs : idleTimeoutMs
    this.#sessions.set(session.id, session)
    this.detached(session)
    this.#sweeper ??= setInterval(() => this.#sweep(), this.#sweepMs).unref()
    this.counts.opened++
    this.#options.logger.info({ session: session.label, principal }, 'session opened')
    return session
  }

  /** A session for the messages of one HTTP request, which nobody can come back to. */
  transient(principal: string | undefined): Session {
    const { changes, mailboxLimits } = this
    const nothing = () => {}
    return new Session('transient', principal, {
      changes,
      mailboxLimits,
      attached: nothing,
      detached: nothing,
      ended: nothing,
      begun: (call) => this.begun(call),
      over: (call) => this.over(call),
    })
  }

  /** The session of this id, if it is the principal's. It has been heard of now. */
  find(id: string, principal: string | undefined): Session | Refusal {
    const session = this.#sessions.get(id)
    if (session === undefined) return 'unknown'
    if (session.principal !== principal) return this.#refuse('of another principal')
    if (!session.channel.attached) this.detached(session)
    return session
  }

  detached(session: Session): void {
    this.#detached.delete(session)
    this.#detached.set(session, Date.now())
  }

  attached(session: Session): void {
    this.#detached.delete(session)
  }

  ended(session: Session, reason: string): void {
    this.#sessions.delete(session.id)
    this.#detached.delete(session)
    this.counts.ended[reason] = (this.counts.ended[reason] ?? 0) + 1
    this.#options.logger.info({ session: session.label, reason }, 'session ended')
    if (this.#sessions.size > 0) return
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
  }

  begun(call: Call): void {
    this.#options.calls.add(call)
  }

  over(call: Call): void {
    this.#options.calls.delete(call)
  }

  /** How many have a stream open. */
  get attachedCount(): number {
    return this.#sessions.size - this.#detached.size
  }

  /** Refuses new sessions from now on. */
  refuseNew(): void {
    this.#closing = true
  }

  /** Ends every session. */
  close(): void {
    this.#closing = true
    for (const session of [...this.#sessions.values()]) session.end('server stopping')
  }

  get #sweepMs(): number {
    const { resumeWithinMs, idleTimeoutMs } = this.#options
    return Math.min(5_000, Math.max(10, Math.min(resumeWithinMs, idleTimeoutMs) / 4))
  }

  #sweep(): void {
    const now = Date.now()
    for (const [session, since] of this.#detached) {
      if (now - since < session.keepMs) continue
      if (session.openResponses > 0) this.detached(session)
      else session.end('idle')
    }
    for (const session of this.#sessions.values()) session.trim(now)
  }

  #refuse(refusal: Refusal): Refusal {
    this.counts.refused++
    return refusal
  }
}
