/** A request that is relayed, so that the node where its session lives can answer it as if it had come there. */
export interface RelayedRequest {
  readonly method: string
  readonly url: string
  /** As the client has sent it: the path may have been cut by what the mount is mounted on. */
  readonly originalUrl: string
  readonly headers: Readonly<Record<string, string>>
  /** Who sends it, as the node found out that it came to. */
  readonly principal?: string
  readonly hasBody: boolean
}

/** What the node that holds a connection (the entry) and the one that holds its session (the home) tell each other. */
export type RelayMail =
  // From the entry: a request, with its body; so many bytes of the response were taken by the reader; it has left.
  | { kind: 'request'; exchange: number; request: RelayedRequest }
  | { kind: 'taken'; exchange: number; bytes: number }
  | { kind: 'left'; exchange: number }
  // From the home: the response begins; goes on, with a part of its body; ends; is cut off.
  | { kind: 'head'; exchange: number; status: number; headers: Record<string, string | string[]> }
  | { kind: 'data'; exchange: number }
  | { kind: 'end'; exchange: number }
  | { kind: 'cut'; exchange: number }
  // From either: mail between the two may have been lost, so all that was under way has come to nothing.
  | { kind: 'reset' }

const newline = 0x0a
const none = Buffer.alloc(0)

/** A line of JSON, and bytes. */
export function encodeMail(mail: RelayMail, bytes: Buffer = none): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify(mail)}\n`), bytes])
}

export function decodeMail(mail: Uint8Array): [RelayMail, Buffer] {
  const all = Buffer.from(mail.buffer, mail.byteOffset, mail.byteLength)
  const end = all.indexOf(newline)
  return [JSON.parse(all.toString('utf8', 0, end)) as RelayMail, all.subarray(end + 1)]
}
