import { randomInt } from 'node:crypto'
import type { Logger, SessionDirectory, SessionPlace } from '@tidings/server'
import type { Keys } from './keys.ts'
import type { Link } from './link.ts'
import {
  adoptScript,
  claimScript,
  handOverScript,
  keepScript,
  releaseScript,
  saveScript,
} from './session-scripts.ts'

/** The number of sessions that are kept for longer by one command. */
const keptAtOnce = 500

/** A session that has its home in this process. */
interface Kept {
  readonly node: string
  readonly ttlMs: number
  /** The time by `performance.now()` to say that it is still there. */
  dueAt: number
}

/** The homes of sessions, and their records. */
export class Directory implements SessionDirectory {
  readonly #keys: Keys
  readonly #link: Link
  readonly #logger: Logger
  readonly #leaseMs: number
  readonly #kept = new Map<string, Kept>()

  constructor({ keys, link, logger, leaseMs }: { keys: Keys; link: Link; logger: Logger; leaseMs: number }) {
    this.#leaseMs = leaseMs
    this.#keys = keys
    this.#link = link
    this.#logger = logger
  }

  async claim(session: string, node: string, keepMs: number, record = ''): Promise<SessionPlace> {
    const keys = [this.#keys.session(session), this.#keys.nodes]
    // A home says that a session is still there when a third of this has passed.
    const ttlMs = String(Math.ceil(1.5 * keepMs + this.#leaseMs))
    const place = await this.#link.ask((client) => claimScript.run(client, keys, [node, ttlMs, record]))
    return this.#placed(session, node, place)!
  }

  async adopt(session: string, node: string): Promise<SessionPlace | undefined> {
    const keys = [this.#keys.session(session), this.#keys.nodes, this.#keys.order]
    const args = [node, String(this.#leaseMs)]
    const place = await this.#link.ask((client) => adoptScript.run(client, keys, args))
    return this.#placed(session, node, place)
  }

  async save(session: string, node: string, record: string): Promise<boolean> {
    const keys = [this.#keys.session(session)]
    const isHome = (await this.#link.ask((client) => saveScript.run(client, keys, [node, record]))) === 1
    if (!isHome) this.#forget(session, node)
    return isHome
  }

  async handOver(session: string, node: string, record: string): Promise<string | undefined> {
    const keys = [this.#keys.session(session), this.#keys.nodes, this.#keys.retired]
    const args = [node, record, String(randomInt(2 ** 31))]
    const home = (await this.#link.ask((client) => handOverScript.run(client, keys, args))) as string | null
    this.#forget(session, node)
    return home ?? undefined
  }

  release(session: string, node: string): void {
    this.#forget(session, node)
    const keys = [this.#keys.session(session)]
    this.#link
      .ask((client) => releaseScript.run(client, keys, [node]))
      // It expires.
      .catch((err: unknown) =>
        this.#logger.debug({ err }, 'an ended session stays in Redis until it expires'),
      )
  }

  /** Forgets the sessions of a node that has left. */
  left(node: string): void {
    for (const [session, kept] of this.#kept) if (kept.node === node) this.#kept.delete(session)
  }

  /** Says of the sessions that are due that they are still there. */
  keep(): void {
    const now = performance.now()
    const due = new Map<string, string[]>()
    for (const [session, kept] of this.#kept) {
      if (kept.dueAt > now) continue
      kept.dueAt = now + kept.ttlMs / 3
      const sessions = due.get(kept.node) ?? []
      due.set(kept.node, sessions)
      sessions.push(this.#keys.session(session))
    }
    for (const [node, sessions] of due) {
      for (let i = 0; i < sessions.length; i += keptAtOnce) {
        const some = sessions.slice(i, i + keptAtOnce)
        this.#link
          .ask((client) => keepScript.run(client, some, [node]))
          .catch((err: unknown) => this.#logger.debug({ err }, 'sessions are not kept for longer'))
      }
    }
  }

  #placed(session: string, node: string, reply: unknown): SessionPlace | undefined {
    const [home, ttl, record] = reply as [string?, string?, (string | null)?]
    if (home === undefined) return undefined
    if (home !== node) return { home }
    const ttlMs = Number(ttl)
    this.#kept.set(session, { node, ttlMs, dueAt: performance.now() + ttlMs / 3 })
    return { home, record: record ?? undefined }
  }

  #forget(session: string, node: string): void {
    if (this.#kept.get(session)?.node === node) this.#kept.delete(session)
  }
}
