import type { McpServer } from '@tidings/server'

interface ChangeIndex {
  readonly epoch: string
  readonly seq: number
  /** The number of watched topics. */
  readonly size: number
}

/** The change index of a server. It is not public: the key is that of the server's own internals. */
export function changesOf(server: McpServer): ChangeIndex {
  const internals = Symbol.for('@tidings/server.internals')
  return (server as unknown as { [key: symbol]: { changes: ChangeIndex } })[internals]!.changes
}
