import type { IncomingMessage } from 'node:http'
import { mediaTypes } from '@tidings/protocol'
import accepts from 'accepts'
import type { Principal } from '../../requests/principal.ts'

/** The media types of MCP that a client takes as a response. */
export interface Accepted {
  readonly json: boolean
  readonly eventStream: boolean
  /** True when the media type of event streams is among them by name. */
  readonly namesEventStream: boolean
}

/** An HTTP request, whatever it came in through. */
export abstract class TransportRequest {
  abstract readonly method: string
  /** The path, without what the application's router has taken off. */
  abstract readonly path: string
  /** The query, without the question mark. */
  abstract readonly querystring: string
  /** The part of the path that the application's router has taken off. */
  abstract readonly prefix: string
  /** The caller. Known once the entrance has asked `readPrincipal`. */
  principal: Principal
  /** The decoded body. Known once the entrance has asked `readBody`. */
  body: unknown

  /** The value of a header; undefined when it is absent. */
  abstract header(name: string): string | undefined
  /** Identifies the caller. */
  abstract readPrincipal(): Principal | Promise<Principal>
  /** Reads and decodes the body. */
  abstract readBody(): unknown

  get accepts(): Accepted {
    return acceptedBy(this.header('Accept') ?? '')
  }

  /** The value of a query parameter that is there once; undefined otherwise. */
  query(name: string): string | undefined {
    const { querystring } = this
    // Nearly always the parameter is alone and plain, and to parse a query takes long.
    if (querystring.startsWith(name) && querystring[name.length] === '=') {
      const value = querystring.slice(name.length + 1)
      if (/^[\w-]+$/.test(value)) return value
    }
    if (!querystring.includes(name)) return undefined
    const values = new URLSearchParams(querystring).getAll(name)
    return values.length === 1 ? values[0] : undefined
  }
}

const namesEventStream = /(^|,)\s*text\/event-stream\s*(?=$|[,;])/i

/** Results by `Accept` header: negotiation takes long, and clients send the same header over and over. */
const known = new Map<string, Accepted>()
const maxKnown = 100

/** @param header the `Accept` header; empty when there is none. */
function acceptedBy(header: string): Accepted {
  let accepted = known.get(header)
  if (accepted === undefined) {
    const negotiator = accepts({ headers: { accept: header } } as IncomingMessage)
    accepted = {
      json: negotiator.type(mediaTypes.json) !== false,
      eventStream: negotiator.type(mediaTypes.eventStream) !== false,
      namesEventStream: namesEventStream.test(header) && negotiator.type(mediaTypes.eventStream) !== false,
    }
    if (known.size >= maxKnown) known.clear()
    known.set(header, accepted)
  }
  return accepted
}
