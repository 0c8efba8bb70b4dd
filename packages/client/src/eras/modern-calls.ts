import {
  type LoggingLevel,
  metaKeys,
  type ModernRevision,
  modernRevisions,
  type ParamsOf,
  type RequestToServer,
  type ResultOf,
} from '@tidings/protocol'
import { parseModernResult, type parseResult } from '@tidings/protocol/client'
import type { CallOptions, Calls } from '../calls/calls.ts'
import type { Logger } from '../logger.ts'
import type { Timeouts } from '../timeouts.ts'
import type { Identity } from './era.ts'

/**
 * The requests of revision 2026-07-28: the `_meta` of each says everything that the server of a session would remember.
 */
export class ModernCalls {
  revision: ModernRevision = modernRevisions.at(-1)!
  /** The level from which on the server sends log messages. Undefined: none. */
  logLevel: LoggingLevel | undefined
  readonly #calls: Calls
  readonly #identity: Identity

  constructor(calls: Calls, identity: Identity) {
    this.#calls = calls
    this.#identity = identity
  }

  get timeouts(): Timeouts {
    return this.#calls.timeouts
  }

  get logger(): Logger {
    return this.#calls.logger
  }

  /** Sends a request as it is. The result may be an `InputRequiredResult` instead of the one of the method. */
  request<M extends RequestToServer>(
    method: M,
    params: ParamsOf<M> | undefined,
    options: CallOptions,
  ): Promise<ResultOf<M>> {
    const parse = parseModernResult as typeof parseResult
    return this.#calls.request(method, params, { ...options, meta: this.#meta, parseResult: parse })
  }

  readonly #meta = () => ({
    [metaKeys.protocolVersion]: this.revision,
    [metaKeys.clientInfo]: this.#identity.clientInfo,
    [metaKeys.clientCapabilities]: this.#identity.capabilities,
    ...(this.logLevel && { [metaKeys.logLevel]: this.logLevel }),
  })
}
