import { type Check, has, isBoolean, isCount, isObject, isString, optional } from '../../checks.ts'

/** A request that came to another node, with all that a transport reads of it. */
export interface ForwardedHead {
  readonly method: string
  readonly path: string
  readonly querystring: string
  /** The part of the path that the application's router has taken off. */
  readonly prefix: string
  readonly headers: Readonly<Record<string, string>>
  /** The caller, as the node identified it that the request came to. */
  readonly principal?: string
  readonly hasBody: boolean
}

/** From the node that holds a connection (the entry) to the node that holds the session (the home). */
export type EntryMail =
  /** A request, with its body. */
  | { kind: 'request'; request: ForwardedHead }
  /** The reader has taken so many bytes of the stream. */
  | { kind: 'taken'; bytes: number }
  /** The reader has left. */
  | { kind: 'left' }

/** From the home to the entry. */
export type HomeMail =
  /** A response without a stream, with its body. */
  | {
      kind: 'answer'
      status: number
      headers: Record<string, string>
      hasBody: boolean
      contentType?: string
    }
  /** The response is an event stream. */
  | { kind: 'stream'; headers: Record<string, string>; chunked: boolean }
  /** Frames of the stream. */
  | { kind: 'frames' }
  /** The stream ends; it is cut off. */
  | { kind: 'end' }
  | { kind: 'cut' }

/** Mail between two nodes. `relayId` is the entry's number of the request. */
export type RelayMail =
  | ((EntryMail | HomeMail) & { relayId: number })
  /** From any node: what the principal has is to end. */
  | { kind: 'end-principal'; principal: string }
  /** From either node: mail between the two may have been lost, so all that was under way has come to nothing. */
  | { kind: 'reset' }

/** The status of an answer that is for the entry, and not for the client: the session has another home. */
export const movedStatus = 421

const newline = 0x0a
const noBytes = Buffer.alloc(0)

/** A line of JSON, and bytes. */
export function encodeMail(mail: RelayMail, bytes: Buffer = noBytes): Buffer {
  const head = JSON.stringify(mail)
  const headBytes = Buffer.byteLength(head)
  const all = Buffer.allocUnsafe(headBytes + 1 + bytes.length)
  all.write(head)
  all[headBytes] = newline
  all.set(bytes, headBytes + 1)
  return all
}

/** Undefined for anything but mail: only other nodes send it, but a node of another version may send what is none here. */
export function decodeMail(mail: Uint8Array): [RelayMail, Buffer] | undefined {
  const all = Buffer.from(mail.buffer, mail.byteOffset, mail.byteLength)
  const end = all.indexOf(newline)
  let head: unknown
  try {
    head = JSON.parse(all.toString('utf8', 0, Math.max(end, 0)))
  } catch {
    return undefined
  }
  return isMail(head) ? [head, all.subarray(end + 1)] : undefined
}

const isStatus: Check = (value) => isCount(value) && (value as number) >= 200 && (value as number) <= 599
const isHeaders: Check = (value) => isObject(value) && Object.values(value).every(isString)

const isForwardedHead = has({
  method: isString,
  path: isString,
  querystring: isString,
  prefix: isString,
  headers: isHeaders,
  principal: optional(isString),
  hasBody: isBoolean,
} satisfies Record<keyof ForwardedHead, Check>)

const checks: Readonly<Record<RelayMail['kind'], Check>> = {
  request: has({ relayId: isCount, request: isForwardedHead }),
  taken: has({ relayId: isCount, bytes: isCount }),
  left: has({ relayId: isCount }),
  answer: has({
    relayId: isCount,
    status: isStatus,
    headers: isHeaders,
    hasBody: isBoolean,
    contentType: optional(isString),
  }),
  stream: has({ relayId: isCount, headers: isHeaders, chunked: isBoolean }),
  frames: has({ relayId: isCount }),
  end: has({ relayId: isCount }),
  cut: has({ relayId: isCount }),
  'end-principal': has({ principal: isString }),
  reset: isObject,
}

function isMail(value: unknown): value is RelayMail {
  if (!isObject(value)) return false
  const { kind } = value
  return typeof kind === 'string' && Object.hasOwn(checks, kind) && checks[kind as RelayMail['kind']](value)
}
