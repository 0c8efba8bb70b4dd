import {
  type CallToolRequestParams,
  type DiscoverResult,
  errorCodes,
  type JSONRPCNotification,
  type ListToolsResult,
  type LoggingLevel,
  mayRequireInput,
  McpError,
  metaKeys,
  type ModernRevision,
  modernRevisions,
  type ParamsOf,
  parseModernResult,
  type parseResultToClient,
  type RequestToServer,
  type Result,
  type ResultOf,
  type SetLevelRequestParams,
  type SubscribeRequestParams,
} from '@tidings/protocol'
import { allPages } from '../calls/all-pages.ts'
import type { CallOptions } from '../calls/calls.ts'
import type { Era, EraContext, ServerDescription } from './era.ts'
import { RevisionError, TimeoutError } from '../errors.ts'
import { withInput } from './input-required.ts'
import { recovery } from './listen-stream.ts'
import { Listening, lists } from './listening.ts'
import { MirroredTools } from './mirrored-tools.ts'
import { ResponseCache } from './response-cache.ts'
import { abortable, after, LinkedController, type Signal } from '../async/signals.ts'

type Params = ParamsOf<RequestToServer> | undefined

/**
 * Revision 2026-07-28: there is no session. What the server of a session would keep in mind is said on every request, and
 * what it would send by itself comes on a stream that is asked for.
 */
export class ModernEra implements Era {
  // What is not complete is told apart here.
  readonly parseResult = parseModernResult as typeof parseResultToClient
  readonly #context: EraContext
  readonly #tools: MirroredTools
  readonly #cache = new ResponseCache()
  readonly #listening: Listening
  #server: ServerDescription | undefined
  #revision: ModernRevision = modernRevisions.at(-1)!
  #logLevel: LoggingLevel | undefined

  constructor(context: EraContext) {
    this.#context = context
    this.#tools = new MirroredTools(context.logger)
    this.#listening = new Listening({
      ...context,
      listen: (params, options) =>
        context.call('subscriptions/listen', params, {
          ...options,
          ready: atOnce,
          timeoutMs: Infinity,
          totalTimeoutMs: Infinity,
        }),
      isHeard: (list) => {
        const name = lists[list]
        const { listChanged } = this.#server?.capabilities[name] ?? {}
        return listChanged === true && context.isHeard(`notifications/${name}/list_changed`)
      },
      canRecover: () => recovery.extension in (this.#server?.capabilities.extensions ?? {}),
      missed: () => {
        this.#cache.clear()
        context.missed()
      },
      ackTimeoutMs: context.connectTimeoutMs,
    })
  }

  meta(): object {
    const { clientInfo, capabilities } = this.#context
    return {
      [metaKeys.protocolVersion]: this.#revision,
      [metaKeys.clientInfo]: clientInfo,
      [metaKeys.clientCapabilities]: capabilities,
      ...(this.#logLevel && { [metaKeys.logLevel]: this.#logLevel }),
    }
  }

  async begin(signal: Signal): Promise<ServerDescription> {
    for (let tries = 0; ; tries++) {
      const { result, supported } = await this.#discover(signal)
      if (result && supported.includes(this.#revision)) {
        const serverInfo = result._meta?.[metaKeys.serverInfo] ?? { name: 'unknown', version: 'unknown' }
        return (this.#server = { ...result, serverInfo, protocolVersion: this.#revision })
      }
      const mutual = modernRevisions.findLast((revision) => supported.includes(revision))
      if (!mutual || tries === modernRevisions.length) throw new RevisionError(supported, modernRevisions)
      this.#revision = mutual
    }
  }

  async restore(signal: Signal): Promise<void> {
    await this.#listening.restore(signal)
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

  listenersChanged(): void {
    this.#listening.changed()
  }

  async #request(method: RequestToServer, params: Params, options: CallOptions): Promise<Result> {
    switch (method as string) {
      case 'ping':
        await this.#send('server/discover', undefined, options)
        return {}
      case 'logging/setLevel':
        this.#logLevel = (params as SetLevelRequestParams).level
        return {}
      case 'resources/subscribe':
        await this.#subscribe((params as SubscribeRequestParams).uri, options)
        return {}
      case 'resources/unsubscribe':
        this.#listening.remove((params as SubscribeRequestParams).uri)
        return {}
    }
    // Who listens to a list, and then reads it, has missed nothing in between.
    const { answer, closing, totalTimeoutMs } = this.#context
    if (method.endsWith('/list')) await this.#listening.settled(options.signal ?? closing)
    const kept = options.fresh ? undefined : this.#cache.get(method, params)
    if (kept) return kept
    if (!mayRequireInput(method)) return this.#send(method, params, options)
    return withInput(method, {
      send: (more, signal) => this.#send(method, { ...params, ...more }, { ...options, signal }),
      answer,
      closing,
      signal: options.signal,
      totalTimeoutMs: options.totalTimeoutMs ?? totalTimeoutMs,
    })
  }

  async #send(method: RequestToServer, params: Params, options: CallOptions): Promise<Result> {
    const keep = this.#cache.keeper(method, params)
    const result: Result = await (method === 'tools/call'
      ? this.#callTool(params as CallToolRequestParams, options)
      : this.#context.call(method, params, options))
    if (method === 'tools/list') result['tools'] = this.#tools.take((result as ListToolsResult).tools)
    keep(result)
    return result
  }

  async #callTool(params: CallToolRequestParams, options: CallOptions): Promise<Result> {
    const call = () =>
      this.#context.call('tools/call', params, { ...options, headers: this.#tools.headersOf(params) })
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof McpError) || error.code !== errorCodes.headerMismatch) throw error
      const read = (page: object): Promise<ListToolsResult> =>
        this.#send('tools/list', page, { signal: options.signal }) as Promise<ListToolsResult>
      // Reading them is all it takes.
      const pages = allPages('tools/list', read)
      while (!(await pages.next()).done);
      return call()
    }
  }

  async #subscribe(uri: string, options: CallOptions): Promise<void> {
    const { signal, timeoutMs = this.#context.timeoutMs } = options
    const abort = new LinkedController(signal, this.#context.closing)
    const stop = after(timeoutMs, () =>
      abort.abort(
        new TimeoutError(`The server has not agreed to tell of ${uri} within ${timeoutMs} ms (timeoutMs)`),
      ),
    )
    try {
      await abortable(this.#listening.add(uri), abort.signal)
    } catch (error) {
      this.#listening.remove(uri)
      throw error
    } finally {
      stop()
      abort.release()
    }
  }

  async #discover(signal: Signal): Promise<{ supported: readonly string[]; result?: DiscoverResult }> {
    try {
      const result = await this.#context.call('server/discover', undefined, { signal, ready: atOnce })
      return { result, supported: result.supportedVersions }
    } catch (error) {
      if (!(error instanceof McpError) || error.code !== errorCodes.unsupportedProtocolVersion) throw error
      const { supported } = (error.data ?? {}) as { supported?: unknown }
      return { supported: Array.isArray(supported) ? supported.map(String) : [] }
    }
  }
}

const atOnce = () => Promise.resolve()
