import { mediaTypes } from '@tidings/protocol'
import type { Context } from 'koa'

/** Which of the media types of MCP a client takes as an answer. */
export interface Accepted {
  readonly json: boolean
  readonly eventStream: boolean
}

/** What was found in an `Accept` header: negotiating takes long, and clients say the same over and over. */
const known = new Map<string, Accepted>()
const maxKnown = 100

/** What the `Accept` header of the request says. */
export function acceptedBy(ctx: Context): Accepted {
  const header = ctx.req.headers.accept ?? ''
  let accepted = known.get(header)
  if (accepted === undefined) {
    accepted = {
      json: ctx.accepts(mediaTypes.json) !== false,
      eventStream: ctx.accepts(mediaTypes.eventStream) !== false,
    }
    if (known.size >= maxKnown) known.clear()
    known.set(header, accepted)
  }
  return accepted
}
