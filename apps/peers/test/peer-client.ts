/** A client, whoever wrote it, as far as the checks go. */
export interface PeerClient {
  /** What it speaks with the server. */
  revision: string
  /** The names of the server's tools. */
  tools(): Promise<string[]>
  /** The URIs of the server's resources. */
  resources(): Promise<string[]>
  /** Calls a tool. Gives the text it answers with. */
  call(name: string, args: object, options?: CallOptions): Promise<string>
  /** Gives a resource's text. */
  read(uri: string): Promise<string>
  /** Resolves when the server will tell of changes to the resource. `updated` is called for each it tells of. */
  subscribe(uri: string, updated: () => void | Promise<void>): Promise<void>
  /**
   * What an application does with this client to keep up to date with a resource when connections may break: `read` is
   * given its text, whenever it was read again.
   */
  keepUpToDate(uri: string, read: (text: string) => void): Promise<void>
  /** Resolves when the server will tell of changes to its list of resources. */
  onResourcesChanged(changed: () => void): Promise<void>
  close(): Promise<void>
}

interface CallOptions {
  /** Told the progress that the server tells of. */
  onProgress?: (progress: number) => void
  timeoutMs?: number
}

/** A client that takes part, and how it is made. It answers what a server asks for by `{ name: 'Ada' }`. */
export interface ClientKind {
  name: string
  /** The newest revision it speaks. */
  revision: string
  /** Where it comes in, if not where the server says. */
  path?: string
  connect(url: string): Promise<PeerClient>
}

/** Who the clients say they are. */
export const clientInfo = { name: 'peer', version: '1.0.0' }

/** What the clients answer when a server asks for it. */
export const answer = { action: 'accept' as const, content: { name: 'Ada' } }

/** The text in the parts of a tool's result, or of what was read. */
export function textOf(parts: object[]): string {
  return (parts as { text?: string }[]).map(({ text }) => text ?? '').join('\n')
}
