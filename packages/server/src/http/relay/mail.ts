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
  /** From either node: mail between the two may have been lost, so all that was under way has come to nothing. */
  | { kind: 'reset' }

const newline = 0x0a
const noBytes = Buffer.alloc(0)

/** A line of JSON, and bytes. */
export function encodeMail(mail: RelayMail, bytes: Buffer = noBytes): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify(mail)}\n`), bytes])
}

export function decodeMail(mail: Uint8Array): [RelayMail, Buffer] {
  const all = Buffer.from(mail.buffer, mail.byteOffset, mail.byteLength)
  const end = all.indexOf(newline)
  return [JSON.parse(all.toString('utf8', 0, end)) as RelayMail, all.subarray(end + 1)]
}
