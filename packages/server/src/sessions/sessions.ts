import { settledWithin } from '../async/deadline.ts'
import type { Call, Calls } from '../requests/call.ts'
import type { ChangeIndex } from '../changes/change-index.ts'
import type { Limits } from '../limits.ts'
import type { Principal } from '../requests/principal.ts'
import type { MailboxLimits } from './mailbox.ts'
import { openedElsewhere, Refusal, sessionNotFound, stopping } from '../refusal.ts'
import type { SessionMark } from './session-mark.ts'
import { decodeRecord, type SessionTransport } from './session-record.ts'
import { serverStopping, SessionStore, type SessionStoreOptions } from './session-store.ts'
import { Session, type SessionIdentity, type SessionOwner, transientId } from './session.ts'

/** The time in which a client is expected to initialize the session that it has opened. */
const initializeWithinMs = 5_000
/** The reason for the end of what a principal has. */
export const endedByServer = 'ended by the server'
/** A backplane that does not answer does not keep the server from stopping. */
const handOverWithinMs = 2_000

interface SessionsOptions extends SessionStoreOptions {
  limits: Limits
  /** The requests in flight. */
  calls: Calls
  /** Whether the application gave the backplane, so that other processes may share it. */
  isShared: boolean
  /** Tells ids of this server from those of other processes. */
  sessionMark: SessionMark
}

/**
 * The open sessions of one mount, by id. A session without a stream is kept for a while, for its client to return, and
 * is the first to go when there are too many.
 */
export class Sessions implements SessionOwner {
  readonly changes: ChangeIndex
  readonly mailboxLimits: MailboxLimits
  readonly limits: Limits
  /** The number of sessions that were opened, adopted, resumed, refused, and ended, by reason. */
  readonly counts = { opened: 0, adopted: 0, resumed: 0, refused: 0, ended: {} as Record<string, number> }
  readonly #options: SessionsOptions
  readonly #store: SessionStore
  readonly #sessions = new Map<string, Session>()
  /** Sessions without a stream, and when they were last heard of; the longest ago first. */
  readonly #detached = new Map<Session, number>()
  #sweeper: NodeJS.Timeout | undefined
  #sweptAt = 0
  #closing = false
  #hasWarnedOfOthers = false
  /** Settles when it is known again which sessions have their home here; undefined while that is known. */
  reclaiming: Promise<void> | undefined

  constructor(changes: ChangeIndex, options: SessionsOptions) {
    this.changes = changes
    this.#options = options
    this.#store = new SessionStore(options)
    this.limits = options.limits
    this.mailboxLimits = { maxMessages: 10_000, keepMs: options.resumeWithinMs }
    this.limits.bytes.keepers = (principal) => {
      const all = [...this.#sessions.values()]
      return principal === undefined ? all : all.filter((session) => session.principal === principal)
    }
  }

  get size(): number {
    return this.#sessions.size
  }

  get closing(): boolean {
    return this.#closing
  }

  get idleTimeoutMs(): number {
    return this.#options.idleTimeoutMs
  }

  /** True when sessions outlive their node. */
  get areStored(): boolean {
    return this.#store.areStored
  }

  /**
   * Opens a session.
   *
   * @param chosenId the id that its client has chosen. Default: 128 random bits, and the mark of this server.
   * @throws {Refusal} 503 while the server is stopping, 403 when another session has the id.
   * @throws {LimitError} when there are too many sessions, and none is without its client.
   */
  open(principal: Principal, transport: SessionTransport, chosenId?: string): Session {
    if (this.#closing) throw this.#refused(stopping())
    if (chosenId !== undefined && this.#sessions.has(chosenId)) {
      throw this.#refused(new Refusal(403, 'The id belongs to another session: choose a new one'))
    }
    const key = this.#options.sessionMark.newId()
    const session = this.#add({ id: chosenId ?? key, key, transport, principal })
    this.#store.opened(session)
    this.counts.opened++
    this.#options.logger.info({ session: session.label, principal }, 'session opened')
    return session
  }

  /**
   * Goes on with a session that had its home at another node, or in another process.
   *
   * @returns false when its record is of no use here: then there is no such session.
   * @throws {LimitError} when there are too many sessions, and none is without its client.
   */
  restore(id: string, json: string): boolean {
    const record = decodeRecord(json)
    if (record === undefined) {
      this.#options.logger.warn(
        { session: id.slice(0, 8) },
        'a session cannot be read: another version has stored it',
      )
      return false
    }
    const { key, transport, principal } = record
    const session = this.#add({ id, key, transport, principal })
    session.isClaimed = true
    session.restore(record)
    this.counts.adopted++
    this.#options.logger.info({ session: session.label, principal }, 'session adopted')
    this.changed(session)
    return true
  }

  /** A session for the messages of one HTTP request: no client can come back to it. */
  transient(principal: Principal): Session {
    const { changes, mailboxLimits, limits } = this
    const nothing = () => {}
    return new Session(
      { id: transientId, key: transientId, transport: 'streamable-http', principal },
      {
        changes,
        mailboxLimits: { ...mailboxLimits, keepMs: 0 },
        limits,
        attached: nothing,
        detached: nothing,
        changed: nothing,
        changesSoon: nothing,
        ended: nothing,
        begun: (call) => this.begun(call),
        over: (call) => this.over(call),
      },
    )
  }

  /** True when the session lives on this node. */
  has(id: string): boolean {
    return this.#sessions.has(id)
  }

  /**
   * The session with the id, and note that its client was heard of. Undefined when there is none of this transport: an id
   * is good for the transport that gave it.
   *
   * @throws {Refusal} 403 when the session belongs to another principal.
   */
  find(id: string, principal: Principal, transport: SessionTransport): Session | undefined {
    const session = this.#sessions.get(id)
    if (session === undefined && transport !== 'paired') this.#warnOfOthers(id)
    if (session?.transport !== transport) return undefined
    if (session.principal !== principal) {
      throw this.#refused(new Refusal(403, 'The session belongs to another principal'))
    }
    if (this.#detached.has(session)) this.detached(session)
    return session
  }

  /** The same, for a client that begins anew where it cannot come back: undefined for another principal's session, too. */
  findOwn(id: string, principal: Principal, transport: SessionTransport): Session | undefined {
    if (this.#sessions.get(id)?.principal === principal) return this.find(id, principal, transport)
    if (this.#sessions.has(id)) this.counts.refused++
    else this.#warnOfOthers(id)
    return undefined
  }

  /** The same, for a request that needs its session. @throws {Refusal} 404 when there is none. */
  require(id: string, principal: Principal, transport: SessionTransport): Session {
    const session = this.find(id, principal, transport)
    if (session === undefined) throw this.#isOfAnother(id) ? openedElsewhere() : sessionNotFound()
    return session
  }

  detached(session: Session): void {
    this.#detached.delete(session)
    this.#detached.set(session, performance.now())
  }

  attached(session: Session): void {
    this.#detached.delete(session)
  }

  changed(session: Session): void {
    this.#store.changed(session)
  }

  changesSoon(session: Session): void {
    this.#store.changesSoon(session)
  }

  ended(session: Session, reason: string, isElsewhere: boolean): void {
    this.#sessions.delete(session.id)
    this.#store.ended(session, isElsewhere)
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

  /** Finds out which sessions still have their home here, after other nodes may have adopted them. */
  reclaim(): void {
    const sessions = [...this.#sessions.values()]
    const reclaimed = Promise.all(sessions.map((session) => this.#store.reclaim(session))).then(() => {
      if (this.reclaiming === reclaimed) this.reclaiming = undefined
    })
    this.reclaiming = reclaimed
  }

  /**
   * Gives the sessions to other nodes: those that wait for no answer, or all.
   *
   * @param tell called with each session and its new home.
   */
  async handOver(which: 'idle' | 'all', tell: (id: string, home: string) => void): Promise<void> {
    const sessions = [...this.#sessions.values()].filter((session) => which === 'all' || session.isIdle)
    const handedOver = sessions.map(async (session) => {
      const home = await this.#store.handOver(session)
      if (home !== undefined) tell(session.id, home)
    })
    await settledWithin(handOverWithinMs, handedOver)
  }

  /** The number of sessions with an open stream. */
  get attachedCount(): number {
    return this.#sessions.size - this.#detached.size
  }

  /** Refuses new sessions from now on. */
  refuseNew(): void {
    this.#closing = true
  }

  /** Ends every session here. One that is stored, and could not be handed over, waits in the backplane for its client. */
  close(): void {
    this.#closing = true
    this.#store.close()
    for (const session of [...this.#sessions.values()]) session.end(serverStopping, this.areStored)
  }

  /** Ends the sessions of the principal. */
  end(principal: string): void {
    const own = [...this.#sessions.values()].filter((session) => session.principal === principal)
    for (const session of own) session.end(endedByServer)
  }

  get #sweepMs(): number {
    const { resumeWithinMs, idleTimeoutMs } = this.#options
    return Math.min(5_000, Math.max(10, Math.min(resumeWithinMs, idleTimeoutMs) / 4))
  }

  #sweep(): void {
    const now = performance.now()
    // After a stall of this process its clients come first: they may have been at the door all the time.
    const hasStalled = now - this.#sweptAt > 2 * this.#sweepMs
    this.#sweptAt = now
    for (const [session, since] of this.#detached) {
      if (hasStalled || now - since < this.#keepMsOf(session)) continue
      if (session.isAnswering) this.detached(session)
      else session.end('idle')
    }
    for (const session of this.#sessions.values()) session.trim(now)
  }

  /**
   * The time that a session without a stream is kept. A client of HTTP+SSE cannot do without, so it is gone when it has lost
   * its stream. One that never initialized has little to lose, and may be no client at all.
   */
  #keepMsOf(session: Session): number {
    const { resumeWithinMs, idleTimeoutMs } = this.#options
    return session.isInitialized ? this.#store.keptForMs(session) : Math.min(resumeWithinMs, idleTimeoutMs)
  }

  /** Ends the sessions that have been without their client for longest, until there is room for another. */
  #makeRoom(principal: string | undefined): void {
    const { sessions } = this.limits
    for (;;) {
      const reached = sessions.reached(principal)
      if (reached === undefined) return
      const longestAway = this.#longestAway(reached === 'total' ? undefined : principal)
      if (longestAway === undefined) {
        this.counts.refused++
        throw sessions.refuse(reached)
      }
      longestAway.end('too many sessions')
    }
  }

  /** Of the principal, if one is given. Sessions that nobody initialized go before all others. */
  #longestAway(principal: string | undefined): Session | undefined {
    const expectedBy = performance.now() - initializeWithinMs
    let longestAway: Session | undefined
    for (const [session, since] of this.#detached) {
      if (principal !== undefined && session.principal !== principal) continue
      if (!session.isInitialized && since < expectedBy) return session
      longestAway ??= session
    }
    return longestAway
  }

  #add(identity: SessionIdentity): Session {
    this.#makeRoom(identity.principal)
    this.limits.sessions.add(identity.principal)
    const session = new Session(identity, this)
    this.#sessions.set(session.id, session)
    this.detached(session)
    if (this.#sweeper === undefined) {
      this.#sweptAt = performance.now()
      this.#sweeper = setInterval(() => this.#sweep(), this.#sweepMs).unref()
    }
    return session
  }

  /** True when another process may hold the session, and cannot be found. */
  #isOfAnother(id: string): boolean {
    return !this.#options.isShared && !this.#sessions.has(id) && this.#options.sessionMark.isForeign(id)
  }

  /** Once: an operator who runs several processes without a backplane has to be told why sessions fail. */
  #warnOfOthers(id: string): void {
    if (this.#hasWarnedOfOthers || !this.#isOfAnother(id)) return
    this.#hasWarnedOfOthers = true
    this.#options.logger.warn(
      {
        session: id.slice(0, 8),
        advice:
          'If several processes serve one address, give each McpServer the option `backplane`: without one they share neither sessions nor changes',
      },
      'a session was opened by another process: one that ran before, or one that serves the same address',
    )
  }

  #refused(refusal: Refusal): Refusal {
    this.counts.refused++
    return refusal
  }
}
