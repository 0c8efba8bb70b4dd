import {
  isLegacyRevision,
  JSONRPC_VERSION,
  latestLegacyRevision,
  legacyRevisions,
  parseResultToClient,
} from '@tidings/protocol'
import type { Era, EraContext, ServerDescription } from './era.ts'
import { RevisionError } from '../errors.ts'
import type { Signal } from '../async/signals.ts'

/** Revisions 2024-11-05 to 2025-11-25: a session is begun by `initialize`, and the server keeps what it is told. */
export class LegacyEra implements Era {
  readonly parseResult = parseResultToClient
  readonly request: Era['request']
  readonly #context: EraContext

  constructor(context: EraContext) {
    this.#context = context
    this.request = context.call
  }

  meta(): object {
    return {}
  }

  async begin(signal: Signal): Promise<ServerDescription> {
    const { clientInfo, capabilities, call, notify } = this.#context
    const params = { protocolVersion: latestLegacyRevision, capabilities, clientInfo }
    const result = await call('initialize', params, { signal, ready: atOnce })
    const { protocolVersion } = result
    if (!isLegacyRevision(protocolVersion)) throw new RevisionError([protocolVersion], legacyRevisions)
    await notify({ jsonrpc: JSONRPC_VERSION, method: 'notifications/initialized' }, { signal })
    return { ...result, protocolVersion }
  }

  /** What the session was told is told to the next one by who wants it to know. */
  async restore(): Promise<void> {
    this.#context.missed()
  }

  notified(): void {}

  listenersChanged(): void {}
}

const atOnce = () => Promise.resolve()
