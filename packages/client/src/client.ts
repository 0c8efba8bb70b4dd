import type {
  CallToolResult,
  CompleteRequestParams,
  CompleteResult,
  GetPromptResult,
  Implementation,
  LoggingLevel,
  NotificationToClient,
  NotificationToServer,
  ParamsOf,
  Prompt,
  ReadResourceResult,
  RequestToServer,
  Resource,
  ResourceTemplate,
  ResultOf,
  Revision,
  ServerCapabilities,
  Tool,
} from '@tidings/protocol'
import { allPages } from './calls/all-pages.ts'
import type { RequestOptions } from './calls/calls.ts'
import type { State, StateEvent } from './connection/connection.ts'
import type { Exchange } from './messages/message-router.ts'
import { Subscriptions } from './watch/subscriptions.ts'
import type { TransportName } from './transports/transport.ts'
import { watch } from './watch/watch.ts'

type ListMethod = 'tools/list' | 'prompts/list' | 'resources/list' | 'resources/templates/list'

/**
 * A client of one MCP server, made by {@link connect}. When the connection is lost it is made again, for as long as the
 * client is open: calls that depend on it wait, subscriptions and the log level are restored. A request that was lost is
 * made again when it is safe to repeat.
 *
 * Each call may throw:
 * - {@link McpError}: what the server answered;
 * - {@link TimeoutError}, {@link ConnectionError}, {@link HttpError}: it got no answer. `mayHaveRun` says whether the
 *   server may have acted on it;
 * - {@link ProtocolError}: the answer is not what the protocol allows;
 * - {@link ClosedError}: the client is closed;
 * - the reason of the `signal` given, when that was aborted.
 */
export class Client {
  /** The transport this client came in by. */
  readonly transport: TransportName
  readonly #exchange: Exchange
  readonly #subscriptions: Subscriptions
  #logLevel: LoggingLevel | undefined

  constructor(transport: TransportName, exchange: Exchange) {
    this.transport = transport
    this.#exchange = exchange
    this.#subscriptions = new Subscriptions(exchange)
    exchange.onNewSession(async (options) => {
      if (this.#logLevel) await exchange.request('logging/setLevel', { level: this.#logLevel }, options)
    })
  }

  /** `connected` at first. What it is can be listened to: `on('state', ...)`. */
  get state(): State {
    return this.#exchange.state
  }

  /** Which program the server is. */
  get serverInfo(): Implementation {
    return this.#exchange.server.serverInfo
  }

  /** What the server offers. */
  get serverCapabilities(): ServerCapabilities {
    return this.#exchange.server.capabilities
  }

  /** How to use the server, for a model, if it says. */
  get instructions(): string | undefined {
    return this.#exchange.server.instructions
  }

  /** The protocol revision that is spoken. */
  get revision(): Revision {
    return this.#exchange.server.protocolVersion
  }

  /**
   * Calls a tool. A tool that fails says so by `isError` in its result, which is for the model to read; that is not
   * thrown.
   *
   * @see https://modelcontextprotocol.io/specification/2025-11-25/server/tools
   */
  callTool(name: string, args?: Record<string, unknown>, options?: RequestOptions): Promise<CallToolResult> {
    return this.request('tools/call', { name, ...(args && { arguments: args }) }, options)
  }

  /** All tools, from all pages. */
  async listTools(options?: RequestOptions): Promise<Tool[]> {
    return this.#all('tools/list', (page) => page.tools, options)
  }

  /** All resources, from all pages. */
  async listResources(options?: RequestOptions): Promise<Resource[]> {
    return this.#all('resources/list', (page) => page.resources, options)
  }

  /** All resource templates, from all pages. */
  async listResourceTemplates(options?: RequestOptions): Promise<ResourceTemplate[]> {
    return this.#all('resources/templates/list', (page) => page.resourceTemplates, options)
  }

  /** All prompts, from all pages. */
  async listPrompts(options?: RequestOptions): Promise<Prompt[]> {
    return this.#all('prompts/list', (page) => page.prompts, options)
  }

  /**
   * The contents of a resource.
   *
   * @see https://modelcontextprotocol.io/specification/2025-11-25/server/resources
   */
  async readResource(uri: string, options?: RequestOptions): Promise<ReadResourceResult> {
    return this.request('resources/read', { uri }, options)
  }

  /**
   * Has the server say when a resource changes: listen by `on('notifications/resources/updated', ...)`. It goes on,
   * over new sessions too, until {@link unsubscribe}. {@link watch} does all of this, and reads.
   */
  async subscribe(uri: string, options: { signal?: AbortSignal } = {}): Promise<void> {
    await this.#subscriptions.subscribe(uri, options.signal ?? this.#exchange.closing)
  }

  /** Ends what {@link subscribe} began. A {@link watch} of the same resource goes on. */
  async unsubscribe(uri: string): Promise<void> {
    await this.#subscriptions.unsubscribe(uri)
  }

  /**
   * The contents of a resource now, and again after each change, across lost connections and server restarts. Who reads
   * slowly skips to the newest: no more than one change is remembered. It ends with `break`, `options.signal` or
   * `close()`.
   *
   * Only changes that the server announces for this very URI count, not those it announces for parts of it.
   *
   * @throws {McpError} when the server does not offer subscriptions, or the resource cannot be read (any more).
   * @throws {ClosedError} when the connection was lost for good.
   * @example for await (const { contents } of client.watch('greenhouse://climate')) console.log(contents)
   */
  watch(
    uri: string,
    options: { signal?: AbortSignal } = {},
  ): AsyncIterableIterator<ReadResourceResult, undefined, undefined> {
    return watch(this.#exchange, this.#subscriptions, uri, options.signal)
  }

  /**
   * A prompt, filled in with the arguments.
   *
   * @see https://modelcontextprotocol.io/specification/2025-11-25/server/prompts
   */
  async getPrompt(
    name: string,
    args?: Record<string, string>,
    options?: RequestOptions,
  ): Promise<GetPromptResult> {
    return this.request('prompts/get', { name, ...(args && { arguments: args }) }, options)
  }

  /**
   * Values to complete an argument of a prompt or of a resource template with.
   *
   * @see https://modelcontextprotocol.io/specification/2025-11-25/server/utilities/completion
   */
  async complete(params: CompleteRequestParams, options?: RequestOptions): Promise<CompleteResult> {
    return this.request('completion/complete', params, options)
  }

  /** Resolves when the server has answered. */
  async ping(options?: RequestOptions): Promise<void> {
    await this.request('ping', undefined, options)
  }

  /** Has the server send log messages from this level on: listen by `on('notifications/message', ...)`. */
  async setLogLevel(level: LoggingLevel, options?: RequestOptions): Promise<void> {
    await this.request('logging/setLevel', { level }, options)
    this.#logLevel = level
  }

  /** Sends any request of the protocol. */
  request<M extends RequestToServer>(
    method: M,
    params: ParamsOf<M>,
    options?: RequestOptions,
  ): Promise<ResultOf<M>> {
    return this.#exchange.request(method, params, options)
  }

  /** Sends any notification of the protocol, if the revision has it. Resolves when the server has taken it. */
  async notify<M extends NotificationToServer>(method: M, params?: ParamsOf<M>): Promise<void> {
    await this.#exchange.notify(method, params)
  }

  /**
   * Listens: to a notification of the server, by its method, or to what becomes of the connection, by `state`.
   *
   * Listen to a list first and read it then, and no change is missed in between. By the transport `stateless` the server has
   * to be asked to tell of a list: a change between this call and its acknowledgement is not heard, unless the list is
   * read in between, which waits for the acknowledgement.
   *
   * @returns what ends it.
   * @example const off = client.on('notifications/tools/list_changed', () => refresh())
   */
  on(name: 'state', listener: (event: StateEvent) => void): () => void
  on<M extends NotificationToClient>(name: M, listener: (params: ParamsOf<M>) => void): () => void
  on(name: string, listener: (value: never) => void): () => void {
    return this.#exchange.on(name, listener)
  }

  /** Ends it. Calls in flight are rejected, watches end, and nothing is left open. */
  async close(): Promise<void> {
    await this.#exchange.close()
  }

  /** {@link close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #all<M extends ListMethod, Item>(
    method: M,
    itemsOf: (page: ResultOf<M>) => Item[],
    options?: RequestOptions,
  ): Promise<Item[]> {
    const items: Item[] = []
    const read = (params: object) => this.request(method, params as ParamsOf<M>, options)
    for await (const page of allPages(method, read)) for (const item of itemsOf(page)) items.push(item)
    return items
  }
}
