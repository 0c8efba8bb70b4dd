import { type Implementation, negotiateRevision, type ServerCapabilities } from '@tidings/protocol'
import type { MethodHandlers } from './method-handlers.ts'

// All of it always: tools, resources and prompts may be added while clients are connected, and a client that was told
// at `initialize` that there are none would not look again.
const capabilities: ServerCapabilities = {
  tools: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  prompts: { listChanged: true },
  completions: {},
  logging: {},
}

/** The methods of a session's life. */
export function lifecycleMethods(serverInfo: Implementation, instructions: string | undefined) {
  return {
    initialize({ protocolVersion, capabilities: clientCapabilities, clientInfo }, { requestId }, session) {
      session.initialize(negotiateRevision(protocolVersion), clientCapabilities, clientInfo, requestId)
      return {
        protocolVersion: session.revision,
        capabilities,
        serverInfo,
        ...(instructions !== undefined && { instructions }),
      }
    },
    ping: () => ({}),
  } satisfies MethodHandlers
}
