import { randomBytes } from 'node:crypto'

const markLength = 4
const secretLength = 22

/** Tells the sessions that this process has opened from those of others. */
const ownMark = randomBytes(3).toString('base64url')

/** A new id: the mark of this process, and 128 random bits. */
export function newSessionId(): string {
  return ownMark + randomBytes(16).toString('base64url')
}

/** True for an id that another process has given to a session. */
export function isOfAnotherProcess(id: string): boolean {
  return id.length === markLength + secretLength && /^[\w-]+$/.test(id) && !id.startsWith(ownMark)
}
