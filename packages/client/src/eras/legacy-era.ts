import { isLegacyRevision, JSONRPC_VERSION, latestLegacyRevision, legacyRevisions } from '@tidings/protocol'
import type { Signal } from '../async/signals.ts'
import type { Calls } from '../calls/calls.ts'
import { RevisionError } from '../errors.ts'
import type { Transport } from '../transports/transport.ts'
import type { Era, EraParts, Identity, ServerDescription } from './era.ts'

/** Revisions 2024-11-05 to 2025-11-25: `initialize` begins a session, and the server keeps its state. */
export class LegacyEra implements Era {
  readonly request: Era['request']
  readonly #calls: Calls
  readonly #transport: Transport
  readonly #identity: Identity

  constructor({
    calls,
    connection,
    transport,
    identity,
  }: Pick<EraParts, 'calls' | 'connection' | 'transport' | 'identity'>) {
    this.#calls = calls
    this.#transport = transport
    this.#identity = identity
    this.request = (method, params, options) => calls.request(method, params, options)
    // A session that was not resumed has lost the notifications of the meantime.
    connection.onRestore(async () => connection.markMissed())
  }

  async begin(signal: Signal): Promise<ServerDescription> {
    const params = { protocolVersion: latestLegacyRevision, ...this.#identity }
    const result = await this.#calls.request('initialize', params, { signal, duringConnect: true })
    const { protocolVersion } = result
    if (!isLegacyRevision(protocolVersion)) throw new RevisionError([protocolVersion], legacyRevisions)
    const initialized = { jsonrpc: JSONRPC_VERSION, method: 'notifications/initialized' } as const
    await this.#transport.notify(initialized, { signal })
    return { ...result, protocolVersion }
  }

  notified(): void {}
}
