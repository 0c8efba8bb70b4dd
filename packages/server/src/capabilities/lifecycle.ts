import {
  errorCodes,
  type Implementation,
  McpError,
  metaKeys,
  negotiateRevision,
  recovery,
  revisions,
  type ServerCapabilities,
} from '@tidings/protocol'
import { type CacheHint, hintFor } from './cache-hints.ts'
import type { MethodHandlers } from '../requests/method-handlers.ts'

// Always complete: tools, resources and prompts may be added while clients are connected, and a client that was told at first
// that there are none would not look again.
const capabilities: ServerCapabilities = {
  tools: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  prompts: { listChanged: true },
  completions: {},
  logging: {},
}

/** The methods with which client and server introduce themselves. */
export function lifecycleMethods(
  serverInfo: Implementation,
  instructions: string | undefined,
  discoverHint: CacheHint | undefined,
) {
  const said = instructions === undefined ? {} : { instructions }
  return {
    initialize(
      { protocolVersion, capabilities: clientCapabilities, clientInfo },
      { requestId },
      { session },
    ) {
      if (session === undefined)
        throw new McpError(errorCodes.invalidRequest, 'There is no session to initialize')
      session.initialize(negotiateRevision(protocolVersion), clientCapabilities, clientInfo, requestId)
      return { protocolVersion: session.revision, capabilities, serverInfo, ...said }
    },
    'server/discover': (_params, _context, peer) => ({
      supportedVersions: [...revisions].reverse(),
      capabilities: { ...capabilities, extensions: { [recovery.extension]: {} } },
      ...said,
      ...hintFor(peer, discoverHint),
      _meta: { [metaKeys.serverInfo]: serverInfo },
    }),
    ping: () => ({}),
  } satisfies MethodHandlers
}
