/** One wire shape on HTTP: see PROTOCOL.md. */
export const transports = ['http+sse', 'paired', 'streamable-http', 'stateless'] as const
export type TransportName = (typeof transports)[number]

/** The resource whose changes are told. */
export const watchedUri = 'bench:///climate'
/** A resource that changes once, after the last change of the others: who has heard of it has heard of all. */
export const endUri = 'bench:///end'

/** One of many resources. */
export const numberedUri = (number: number) => `bench:///numbered-${number}`

/** A resource whose change takes a KiB as JSON-RPC. */
export const longUri = `bench:///long-${'x'.repeat(1024 - 100)}`

/** The tool that is called, and what its answer says. */
export const echo = { name: 'echo', arguments: { text: 'hello', times: 3 }, says: 'hello 3' }

/** What the tool says. */
export const echoText = ({ text, times }: { text: string; times: number }) => `${text} ${times}`

/** What each client of revision 2026-07-28 says on each request. */
export const modernMeta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {},
}
