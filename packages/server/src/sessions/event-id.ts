/**
 * The `id:` of an event on a session's stream. A client can come back with nothing but this in a `Last-Event-ID` header, which
 * is all that a browser's EventSource sends. It names the session, so it is as secret as the session's id.
 */
export interface EventId {
  /** The key of the session. */
  session: string
  /** The epoch of the change index that `position` belongs to. */
  epoch: string
  /** The last change that the reader was told. */
  position: number
  /** The last message that the reader was sent, if that came after the change. */
  mail?: number
  /** The number of the channel, unless it is the session's own. */
  channel?: number | undefined
}

const shape = /^([\w-]{1,128})\.([\w-]{1,16})\.(\d{1,15})(?:\.(\d{1,15})(?:\.(\d{1,15}))?)?$/

export function formatEventId({ session, epoch, position, mail, channel }: EventId): string {
  return [session, epoch, position, mail, channel].filter((part) => part !== undefined).join('.')
}

/** The parts of an id. Undefined for an id that is not this server's. */
export function parseEventId(id: string): EventId | undefined {
  const match = shape.exec(id)
  if (match === null) return undefined
  const [, session, epoch, position, mail, channel] = match
  return {
    session: session!,
    epoch: epoch!,
    position: Number(position),
    ...(mail !== undefined && { mail: Number(mail) }),
    ...(channel !== undefined && { channel: Number(channel) }),
  }
}
