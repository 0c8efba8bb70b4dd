import type { IncomingMessage } from 'node:http'
import { mediaTypes } from '@tidings/protocol'
import accepts from 'accepts'

/** The media types of MCP that a client takes as a response. */
export interface Accepted {
  readonly json: boolean
  readonly eventStream: boolean
}

/** Results by `Accept` header: negotiation takes long, and clients send the same header over and over. */
const known = new Map<string, Accepted>()
const maxKnown = 100

/** @param header the `Accept` header; empty when there is none. */
export function acceptedBy(header: string): Accepted {
  let accepted = known.get(header)
  if (accepted === undefined) {
    const negotiator = accepts({ headers: { accept: header } } as IncomingMessage)
    accepted = {
      json: negotiator.type(mediaTypes.json) !== false,
      eventStream: negotiator.type(mediaTypes.eventStream) !== false,
    }
    if (known.size >= maxKnown) known.clear()
    known.set(header, accepted)
  }
  return accepted
}
