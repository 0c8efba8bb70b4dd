import {
  type CallToolResult,
  type CompleteRequestParams,
  type CompleteResult,
  errorCodes,
  type GetPromptResult,
  type Implementation,
  type LoggingLevel,
  McpError,
  type NotificationToClient,
  type NotificationToServer,
  type ParamsOf,
  type Prompt,
  type ReadResourceResult,
  type RequestToServer,
  type Resource,
  type ResourceTemplate,
  type ResultOf,
  type Revision,
  type ServerCapabilities,
  type Tool,
} from '@tidings/protocol'
import { allPages } from './calls/all-pages.ts'
import type { RequestOptions } from './calls/calls.ts'
import { oneOperation } from './calls/one-operation.ts'
import type { State, StateEvent } from './connection/connection.ts'
import type { MessageRouter } from './messages/message-router.ts'
import type { TransportName } from './transports/transport.ts'
import { watch } from './watch/watch.ts'

type ListMethod = 'tools/list' | 'prompts/list' | 'resources/list' | 'resources/templates/list'

/**
 * A client of one MCP server, returned by {@link connect}. When the connection drops, the client connects again, for as
 * long as it is open: it restores the subscriptions and the log level, and sends a lost request again when that is
 * safe. Calls made meanwhile wait for the connection.
 *
 * Each call may throw:
 * - {@link McpError}: the server answered with an error;
 * - {@link TimeoutError}, {@link ConnectionError}, {@link HttpError}: there is no answer. `mayHaveRun` says whether the
 *   server may have acted on the request;
 * - {@link ProtocolError}: the protocol does not allow the answer;
 * - {@link ClosedError}: the client is closed;
 * - the reason of your `signal`, when you aborted it.
 */
export class Client {
  /** The transport in use. */
  readonly transport: TransportName
  readonly #router: MessageRouter
  #logLevel: LoggingLevel | undefined

  private constructor(router: MessageRouter, transport: TransportName) {
    this.transport = transport
    this.#router = router
    router.connection.onRestore(async ({ signal }) => {
      if (!this.#logLevel) return
      await router.request('logging/setLevel', { level: this.#logLevel }, { signal, duringConnect: true })
    })
  }

  /** @internal */
  static over(router: MessageRouter, transport: TransportName): Client {
    return new Client(router, transport)
  }

  /** The state of the connection: `connected` at first. `on('state', ...)` listens to it. */
  get state(): State {
    return this.#router.connection.state
  }

  /** The name and version of the server program. */
  get serverInfo(): Implementation {
    return this.#router.server.serverInfo
  }

  /** The capabilities of the server. */
  get serverCapabilities(): ServerCapabilities {
    return this.#router.server.capabilities
  }

  /** The server's instructions for a language model, if it has any. */
  get instructions(): string | undefined {
    return this.#router.server.instructions
  }

  /** The protocol revision in use. */
  get revision(): Revision {
    return this.#router.server.protocolVersion
  }

  /**
   * Calls a tool. A tool that fails returns a result with `isError`, for the model to read. The call does not throw
   * then.
   *
   * @see https://modelcontextprotocol.io/specification/2025-11-25/server/tools
   */
  callTool(name: string, args?: Record<string, unknown>, options?: RequestOptions): Promise<CallToolResult> {
    return this.request('tools/call', { name, ...(args && { arguments: args }) }, options)
  }

  /** Reads all pages of the list of tools, as one operation. Empty when the server has none. */
  async listTools(options?: RequestOptions): Promise<Tool[]> {
    return this.#all('tools/list', (page) => page.tools, options)
  }

  /** Reads all pages of the list of resources, as one operation. Empty when the server has none. */
  async listResources(options?: RequestOptions): Promise<Resource[]> {
    return this.#all('resources/list', (page) => page.resources, options)
  }

  /** Reads all pages of the list of resource templates, as one operation. Empty when the server has none. */
  async listResourceTemplates(options?: RequestOptions): Promise<ResourceTemplate[]> {
    return this.#all('resources/templates/list', (page) => page.resourceTemplates, options)
  }

  /** Reads all pages of the list of prompts, as one operation. Empty when the server has none. */
  async listPrompts(options?: RequestOptions): Promise<Prompt[]> {
    return this.#all('prompts/list', (page) => page.prompts, options)
  }

  /**
   * Reads the contents of a resource.
   *
   * @see https://modelcontextprotocol.io/specification/2025-11-25/server/resources
   */
  async readResource(uri: string, options?: RequestOptions): Promise<ReadResourceResult> {
    return this.request('resources/read', { uri }, options)
  }

  /**
   * Asks the server to announce changes of a resource. Listen with `on('notifications/resources/updated', ...)`. The
   * subscription lasts, across disconnects and server restarts, until {@link unsubscribe}. {@link watch} subscribes,
   * listens and reads.
   */
  async subscribe(uri: string, options: { signal?: AbortSignal } = {}): Promise<void> {
    const { subscriptions, connection } = this.#router
    await subscriptions.subscribe(uri, options.signal ?? connection.closing)
  }

  /** Ends a subscription of {@link subscribe}. A {@link watch} of the same resource goes on. */
  async unsubscribe(uri: string): Promise<void> {
    await this.#router.subscriptions.unsubscribe(uri)
  }

  /**
   * Yields the contents of a resource now, and again after each change, across disconnects and server restarts. If your
   * loop is slower than the changes, it skips to the newest contents. `break`, `options.signal` and `close()` end it.
   *
   * Only changes that the server announces for exactly this URI count, not the changes of its sub-resources.
   *
   * @throws {McpError} when the server does not offer subscriptions, or the resource cannot be read.
   * @throws {ClosedError} when the client cannot connect again.
   * @example for await (const { contents } of client.watch('greenhouse://climate')) console.log(contents)
   */
  watch(
    uri: string,
    options: { signal?: AbortSignal } = {},
  ): AsyncIterableIterator<ReadResourceResult, undefined, undefined> {
    return watch(this.#router, uri, options.signal)
  }

  /**
   * Gets a prompt, filled in with the arguments.
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
   * Gets values that complete an argument of a prompt or of a resource template.
   *
   * @see https://modelcontextprotocol.io/specification/2025-11-25/server/utilities/completion
   */
  async complete(params: CompleteRequestParams, options?: RequestOptions): Promise<CompleteResult> {
    return this.request('completion/complete', params, options)
  }

  /** Asks the server for an answer, and resolves when it arrives. */
  async ping(options?: RequestOptions): Promise<void> {
    await this.request('ping', undefined, options)
  }

  /**
   * Asks the server to send log messages of this level and above. Listen with `on('notifications/message', ...)`. The
   * level lasts across disconnects and server restarts.
   */
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
    return this.#router.request(method, params, options)
  }

  /**
   * Sends any notification of the protocol. Resolves when the server has accepted it. Revision 2026-07-28 has no
   * notification to a server: nothing is sent then.
   */
  async notify<M extends NotificationToServer>(method: M, params?: ParamsOf<M>): Promise<void> {
    await this.#router.notify(method, params)
  }

  /**
   * Adds a listener: to a notification of the server, with its method, or to the state of the connection, with `state`.
   *
   * To miss no change of a list, call `on()` first and read the list then. With the transport `stateless`, changes
   * between `on()` and the server's acknowledgement are not delivered; reading the list waits for the acknowledgement.
   *
   * @returns a function that removes the listener.
   * @example const off = client.on('notifications/tools/list_changed', () => refresh())
   */
  on(name: 'state', listener: (event: StateEvent) => void): () => void
  on<M extends NotificationToClient>(name: M, listener: (params: ParamsOf<M>) => void): () => void
  on(name: string, listener: (value: never) => void): () => void {
    return this.#router.listeners.on(name, listener)
  }

  /** Closes the client. Calls in flight reject, watches end, and no connection or timer is left. */
  async close(): Promise<void> {
    await this.#router.close()
  }

  /** Calls {@link close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #all<M extends ListMethod, Item>(
    method: M,
    itemsOf: (page: ResultOf<M>) => Item[],
    options: RequestOptions = {},
  ): Promise<Item[]> {
    const { connection, logger, timeouts, server } = this.#router
    const { signal, totalTimeoutMs = timeouts.totalTimeoutMs } = options
    const bounds = { signal, closing: connection.closing, totalTimeoutMs }
    const items: Item[] = []
    try {
      await oneOperation(method, bounds, async (signal) => {
        const read = (params: object) =>
          this.#router.request(method, params as ParamsOf<M>, { ...options, signal })
        for await (const page of allPages(method, read, logger))
          for (const item of itemsOf(page)) items.push(item)
      })
    } catch (error) {
      if (!(error instanceof McpError) || items.length > 0) throw error
      // A server that has none of these need not know the method.
      const capability = method.slice(0, method.indexOf('/')) as 'tools' | 'prompts' | 'resources'
      if (error.code !== errorCodes.methodNotFound && server.capabilities[capability]) throw error
    }
    return items
  }
}
