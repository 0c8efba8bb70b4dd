import type { Backplane } from '../backplane/backplane.ts'
import type { Logger } from '../logger.ts'
import { encodeRecord, isNewer } from './session-record.ts'
import type { Session } from './session.ts'

export const serverStopping = 'server stopping'
const adoptedElsewhere = 'adopted by another node'
/** The time within which messages that wait are stored. */
const storeWithinMs = 100

export interface SessionStoreOptions {
  backplane: Backplane
  node: string
  /** Whether the backplane keeps what the next home of a session needs. */
  areStored: boolean
  /** The time that a session which lost its stream is kept, with the messages that were written to it. */
  resumeWithinMs: number
  /** The time that a session whose client needs no stream is kept after the client was last heard of. */
  idleTimeoutMs: number
  logger: Logger
}

/**
 * What the backplane knows of the sessions of one mount: which node their home is and, where they are stored, all that the next
 * home needs to go on with them.
 */
export class SessionStore {
  /** True when sessions outlive their node. */
  readonly areStored: boolean
  readonly #options: SessionStoreOptions
  /** Sessions of which something is to be stored soon. */
  readonly #soon = new Set<Session>()
  #soonTimer: NodeJS.Timeout | undefined

  constructor(options: SessionStoreOptions) {
    this.areStored = options.areStored
    this.#options = options
  }

  /** The time that a session which was initialized is kept without its client, and that it is stored without a home. */
  keptForMs({ transport }: Session): number {
    const { resumeWithinMs, idleTimeoutMs } = this.#options
    return transport === 'http+sse' ? Math.min(resumeWithinMs, idleTimeoutMs) : idleTimeoutMs
  }

  /** Makes this node the home of a session that it has opened. */
  opened(session: Session): void {
    // That of Streamable HTTP is claimed with the first that is stored of it, before its client knows of it.
    if (!this.areStored || session.transport !== 'streamable-http') session.claimed = this.#claim(session)
  }

  /** Stores what the session is. */
  changed(session: Session): void {
    if (this.areStored && !session.ended) session.stored ??= this.#store(session)
  }

  /** The same, within 100 ms. */
  changesSoon(session: Session): void {
    if (this.areStored && !session.ended) this.#storeSoon(session)
  }

  /** @param isElsewhere the session goes on at another node. */
  ended(session: Session, isElsewhere: boolean): void {
    this.#soon.delete(session)
    if (!isElsewhere) this.#options.backplane.release(session.id, this.#options.node)
  }

  /**
   * Finds out whether the home of the session is still here, and ends it where it is not. What fails is tried again: until then
   * the session works for clients that come to this node.
   */
  async reclaim(session: Session): Promise<void> {
    session.isClaimed = false
    if (this.areStored) {
      this.changed(session)
      return session.stored?.catch(() => {})
    }
    try {
      await this.#claimOrEnd(session)
    } catch (err) {
      const { logger } = this.#options
      logger.warn({ err, session: session.label }, 'a session cannot be claimed again: tried again')
      this.#storeSoon(session)
    }
  }

  /**
   * Gives the session to another node, and ends it here.
   *
   * @returns its new home. Undefined when there is none: it waits in the backplane for its client.
   */
  async handOver(session: Session): Promise<string | undefined> {
    const { backplane, node, logger } = this.#options
    await session.whenStored()?.catch(() => {})
    if (session.ended || session.claimed !== undefined) return undefined
    try {
      // Nothing changes from here on: the client's next message goes to the new home.
      const handedOver = backplane.handOver(session.id, node, encodeRecord(session.record))
      session.end(serverStopping, true)
      return await handedOver
    } catch (err) {
      logger.warn({ err, session: session.label }, 'a session cannot be handed over')
      return undefined
    }
  }

  close(): void {
    clearTimeout(this.#soonTimer)
  }

  #storeSoon(session: Session): void {
    this.#soon.add(session)
    this.#soonTimer ??= setTimeout(() => this.#storeWaiting(), storeWithinMs).unref()
  }

  #storeWaiting(): void {
    this.#soonTimer = undefined
    const sessions = [...this.#soon]
    this.#soon.clear()
    for (const session of sessions) {
      if (this.areStored) this.changed(session)
      else void this.reclaim(session)
    }
  }

  /** Stores what the session is, until that is what it is. One write is under way at a time. */
  #store(session: Session): Promise<void> {
    const stored = this.#storeOnce(session).finally(() => {
      if (session.stored === stored) session.stored = undefined
    })
    // Who counts on it waits for it, and hears of a failure.
    stored.catch((err: unknown) => {
      if (session.ended) return
      this.#options.logger.warn({ err, session: session.label }, 'a session cannot be stored: tried again')
      session.isBehind = true
      this.changesSoon(session)
    })
    return stored
  }

  async #storeOnce(session: Session): Promise<void> {
    await session.claimed
    await session.storing?.catch(() => {})
    // From here on another change has another write.
    session.stored = undefined
    session.isBehind = false
    if (session.ended) return
    const record = encodeRecord(session.record)
    const isHome = session.isClaimed ? this.#saveOrClaim(session, record) : this.#claimWith(session, record)
    const storing = isHome
      .then(() => {})
      .finally(() => {
        if (session.storing === storing) session.storing = undefined
      })
    session.storing = storing
    storing.catch(() => {})
    if (await isHome) return
    session.end(adoptedElsewhere, true)
    throw new Error('The session has another home')
  }

  /** A backplane that does not know the home has lost it: then it is claimed again, unless another node has been faster. */
  async #saveOrClaim(session: Session, json: string): Promise<boolean> {
    const { backplane, node } = this.#options
    if (await backplane.save(session.id, node, json)) return true
    return backplane.nodes().includes(node) && this.#claimWith(session, json)
  }

  /** @returns false when another node is the home, or has been since this one was. */
  async #claimWith(session: Session, json: string): Promise<boolean> {
    const { backplane, node } = this.#options
    const { home, record } = await backplane.claim(session.id, node, this.keptForMs(session), json)
    session.isClaimed =
      home === node && (record === undefined || record === json || !isNewer(record, session.record))
    // A claim leaves what was stored before.
    if (session.isClaimed && record !== json) return backplane.save(session.id, node, json)
    return session.isClaimed
  }

  async #claim(session: Session): Promise<void> {
    try {
      await this.#claimOrEnd(session)
    } catch (err) {
      // The session still works for clients that come to this node.
      this.#options.logger.error({ err, session: session.label }, 'other nodes may not find a session')
    }
    session.claimed = undefined
  }

  async #claimOrEnd(session: Session): Promise<void> {
    const { backplane, node } = this.#options
    const { home } = await backplane.claim(session.id, node, this.keptForMs(session))
    session.isClaimed = home === node
    if (!session.isClaimed) session.end(adoptedElsewhere, true)
  }
}
