import { randomBytes } from 'node:crypto'

const markBytes = 3
/** The key, 128 random bits, and the mark. */
const shape = /^[\w-]{22}([\w-]{4})$/

/**
 * Marks the ids of the sessions that one server opens, so that another can tell an id that it never gave from one of a session
 * that has ended. The mark comes on top of the 128 random bits of an id.
 */
export class SessionMark {
  readonly #mark = randomBytes(markBytes).toString('base64url')

  /** A new id: 128 random bits, followed by the mark. */
  newId(): string {
    return randomBytes(16).toString('base64url') + this.#mark
  }

  /** True for an id that another server has given, most likely in another process. */
  isForeign(id: string): boolean {
    const mark = shape.exec(id)?.[1]
    return mark !== undefined && mark !== this.#mark
  }
}
