import { randomBytes } from 'node:crypto'
import type { Backplane } from '../backplane/backplane.ts'
import type { Call } from '../requests/call.ts'
import type { Calls } from '../requests/calls.ts'
import type { ChangeIndex } from '../changes/change-index.ts'
import type { Limits } from '../limits.ts'
import type { Logger } from '../logger.ts'
import type { MailboxLimits } from './mailbox.ts'
import { Session, type SessionHome } from './session.ts'

export interface SessionsOptions {
  limits: Limits
  /** How long a session is kept whose stream was lost, and what was written to it. */
  resumeWithinMs: number
  /** How long a session is kept whose client does without a stream, since it was last heard of. */
  idleTimeoutMs: number
  logger: Logger
  /** Where the requests in flight are kept. */
  calls: Calls
  /** By which other nodes find the sessions of this one. */
  backplane: Backplane
  node: string
}

/** Why a session cannot be had. */
export type Refusal = 'unknown' | 'of another principal' | 'closing'

/**
 * The open sessions of one mount, by id. A session without a stream is kept for a while, for its client to return, and
 * is the first to go when there are too many.
 */
export class Sessions implements SessionHome {
  readonly changes: ChangeIndex
  readonly mailboxLimits: MailboxLimits
  readonly limits: Limits
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
    this.limits = options.limits
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
   * @throws {LimitError} when there are too many, all with their clients there.
   */
  open(
    principal: string | undefined,
    { chosenId, needsStream = false }: { chosenId?: string; needsStream?: boolean } = {},
  ): Session | Refusal {
    if (this.#closing) return this.#refuse('closing')
    this.#makeRoom(principal)
    this.limits.sessions.add(principal)
    const key = randomBytes(16).toString('base64url')
    const session = new Session(chosenId ?? key, principal, this, key)
    const { resumeWithinMs, idleTimeoutMs } = this.#options
    session.keepMs = needsStream ? resumeWithinMs : idleTimeoutMs
    this.#sessions.set(session.id, session)
    this.detached(session)
    this.#sweeper ??= setInterval(() => this.#sweep(), this.#sweepMs).unref()
    this.#claim(session)
    this.counts.opened++
    this.#options.logger.info({ session: session.label, principal }, 'session opened')
    return session
  }

  /** A session for the messages of one HTTP request, which nobody can come back to. */
  transient(principal: string | undefined): Session {
    const { changes, mailboxLimits, limits } = this
    const nothing = () => {}
    return new Session('transient', principal, {
      changes,
      mailboxLimits,
      limits,
      attached: nothing,
      detached: nothing,
      ended: nothing,
      begun: (call) => this.begun(call),
      over: (call) => this.over(call),
    })
  }

  /** Whether the session lives here. */
  has(id: string): boolean {
    return this.#sessions.has(id)
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
    this.#options.backplane.release(session.id, this.#options.node)
    this.limits.sessions.release(session.principal)
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

  /** Ends the session that has been away longest, of those that stand in the way of another. */
  #makeRoom(principal: string | undefined): void {
    const { sessions } = this.limits
    for (;;) {
      const reached = sessions.reached(principal)
      if (reached === undefined) return
      const longestAway = [...this.#detached.keys()].find(
        (session) => reached === 'total' || session.principal === principal,
      )
      if (longestAway === undefined) {
        this.counts.refused++
        throw sessions.refuse(reached)
      }
      longestAway.end('too many sessions')
    }
  }

  #claim(session: Session): void {
    const { backplane, node, logger } = this.#options
    session.claimed = backplane.claim(session.id, node).then(
      () => (session.claimed = undefined),
      (err: unknown) => {
        // It is of use nevertheless, to who comes to this node.
        session.claimed = undefined
        logger.error({ err, session: session.label }, 'other nodes may not find a session')
      },
    )
  }

  #refuse(refusal: Refusal): Refusal {
    this.counts.refused++
    return refusal
  }
}
