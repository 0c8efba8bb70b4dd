import {
  type CallToolRequestParams,
  type DiscoverResult,
  errorCodes,
  type JSONRPCNotification,
  type ListToolsResult,
  mayRequireInput,
  McpError,
  metaKeys,
  modernRevisions,
  type ParamsOf,
  type RequestToServer,
  type Result,
  type ResultOf,
  type SetLevelRequestParams,
  type SubscribeRequestParams,
} from '@tidings/protocol'
import { abortable, after, LinkedController, type Signal } from '../async/signals.ts'
import { allPages } from '../calls/all-pages.ts'
import type { CallOptions } from '../calls/calls.ts'
import { oneOperation, type OperationBounds } from '../calls/one-operation.ts'
import type { Connection } from '../connection/connection.ts'
import { RevisionError, TimeoutError } from '../errors.ts'
import { ChangeStreamKeeper } from './change-stream-keeper.ts'
import type { Era, EraParts, ServerDescription } from './era.ts'
import { withInput } from './input-required.ts'
import { MirroredTools } from './mirrored-tools.ts'
import { ModernCalls } from './modern-calls.ts'
import { ResponseCache } from './response-cache.ts'

type Params = ParamsOf<RequestToServer> | undefined

/**
 * Revision 2026-07-28: there is no session. Each request carries the state that the server of a session would keep, and
 * notifications come on a stream that the client asks for.
 */
export class ModernEra implements Era {
  readonly #calls: ModernCalls
  readonly #connection: Connection
  readonly #answerInput: EraParts['answerInput']
  readonly #tools: MirroredTools
  readonly #cache = new ResponseCache()
  readonly #changeStreams: ChangeStreamKeeper

  constructor({
    calls,
    connection,
    listeners,
    answerInput,
    identity,
  }: Pick<EraParts, 'calls' | 'connection' | 'listeners' | 'answerInput' | 'identity'>) {
    this.#calls = new ModernCalls(calls, identity)
    this.#connection = connection
    this.#answerInput = answerInput
    this.#tools = new MirroredTools(calls.logger)
    this.#changeStreams = new ChangeStreamKeeper(this.#calls, connection, listeners, this.#cache)
  }

  async begin(signal: Signal): Promise<ServerDescription> {
    const calls = this.#calls
    for (let tries = 0; ; tries++) {
      const { result, supported } = await this.#discover(signal)
      if (result && supported.includes(calls.revision)) {
        const serverInfo = result._meta?.[metaKeys.serverInfo] ?? { name: 'unknown', version: 'unknown' }
        this.#changeStreams.capabilities = result.capabilities
        return { ...result, serverInfo, protocolVersion: calls.revision }
      }
      const mutual = modernRevisions.findLast((revision) => supported.includes(revision))
      if (!mutual || tries === modernRevisions.length) throw new RevisionError(supported, modernRevisions)
      calls.revision = mutual
    }
  }

  request<M extends RequestToServer>(
    method: M,
    params: ParamsOf<M> | undefined,
    options: CallOptions = {},
  ): Promise<ResultOf<M>> {
    return this.#request(method, params, options) as Promise<ResultOf<M>>
  }

  notified({ method, params }: JSONRPCNotification): void {
    this.#cache.notified(method, params)
  }

  async #request(method: RequestToServer, params: Params, options: CallOptions): Promise<Result> {
    switch (method as string) {
      case 'ping':
        await this.#send('server/discover', undefined, options)
        return {}
      case 'logging/setLevel':
        this.#calls.logLevel = (params as SetLevelRequestParams).level
        return {}
      case 'resources/subscribe':
        await this.#subscribe((params as SubscribeRequestParams).uri, options)
        return {}
      case 'resources/unsubscribe':
        this.#changeStreams.remove((params as SubscribeRequestParams).uri)
        return {}
    }
    // A list that is read after `on()` misses no change: the stream is acknowledged before the list is read.
    if (method.endsWith('/list') && this.#changeStreams.isSettling)
      await this.#asOne(method, options, (signal) => this.#changeStreams.settled(signal))
    const cached = options.skipCache ? undefined : this.#cache.get(method, params)
    if (cached) return cached
    if (!mayRequireInput(method)) return this.#send(method, params, options)
    const send = (more: object, signal: Signal | undefined) =>
      this.#send(method, { ...params, ...more }, { ...options, signal })
    return withInput(method, send, this.#answerInput, this.#bounds(options))
  }

  /** Runs several requests that are one for the caller. */
  #asOne<T>(
    method: string,
    options: CallOptions,
    run: (signal: Signal) => Promise<T>,
    beganAt?: number,
  ): Promise<T> {
    return oneOperation(method, { ...this.#bounds(options), beganAt }, run)
  }

  #bounds({ signal, totalTimeoutMs = this.#calls.timeouts.totalTimeoutMs }: CallOptions): OperationBounds {
    return { signal, closing: this.#connection.closing, totalTimeoutMs }
  }

  async #send(method: RequestToServer, params: Params, options: CallOptions): Promise<Result> {
    const keep = this.#cache.keeper(method, params)
    const result: Result = await (method === 'tools/call'
      ? this.#callTool(params as CallToolRequestParams, options)
      : this.#calls.request(method, params, options))
    if (method === 'tools/list') result['tools'] = this.#tools.take((result as ListToolsResult).tools)
    keep(result)
    return result
  }

  async #callTool(params: CallToolRequestParams, options: CallOptions): Promise<Result> {
    const beganAt = performance.now()
    const call = (signal: Signal | undefined) =>
      this.#calls.request('tools/call', params, {
        ...options,
        signal,
        headers: this.#tools.headersOf(params),
      })
    try {
      return await call(options.signal)
    } catch (error) {
      if (!(error instanceof McpError) || error.code !== errorCodes.headerMismatch) throw error
    }
    const again = async (signal: Signal) => {
      const read = (page: object): Promise<ListToolsResult> =>
        this.#send('tools/list', page, { signal }) as Promise<ListToolsResult>
      // Reading the pages updates the schemas that the headers are made from.
      const pages = allPages('tools/list', read, this.#calls.logger)
      while (!(await pages.next()).done);
      return call(signal)
    }
    return this.#asOne('tools/call', options, again, beganAt)
  }

  async #subscribe(uri: string, options: CallOptions): Promise<void> {
    const { signal, timeoutMs = this.#calls.timeouts.timeoutMs } = options
    const abort = new LinkedController(signal, this.#connection.closing)
    const stop = after(timeoutMs, () =>
      abort.abort(
        new TimeoutError(`The server has not acknowledged ${uri} within ${timeoutMs} ms (timeoutMs)`),
      ),
    )
    try {
      await abortable(this.#changeStreams.add(uri), abort.signal)
    } catch (error) {
      this.#changeStreams.remove(uri)
      throw error
    } finally {
      stop()
      abort.release()
    }
  }

  async #discover(signal: Signal): Promise<{ supported: readonly string[]; result?: DiscoverResult }> {
    try {
      const options = { signal, duringConnect: true }
      const result = await this.#calls.request('server/discover', undefined, options)
      return { result, supported: result.supportedVersions }
    } catch (error) {
      if (!(error instanceof McpError) || error.code !== errorCodes.unsupportedProtocolVersion) throw error
      const { supported } = (error.data ?? {}) as { supported?: unknown }
      return { supported: Array.isArray(supported) ? supported.map(String) : [] }
    }
  }
}
