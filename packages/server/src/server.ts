import {
  errorCodes,
  type Implementation,
  isMethodOf,
  isModernRevision,
  isResponse,
  JSONRPC_VERSION,
  type JSONRPCNotification,
  type JSONRPCRequest,
  type JSONRPCResponse,
  latestLegacyRevision,
  McpError,
  metaKeys,
  parseParams,
  type RequestToServer,
  type Result,
} from '@tidings/protocol'
import type { Backplane } from './backplane/backplane.ts'
import { MemoryBackplane } from './backplane/memory-backplane.ts'
import { type CacheHint } from './capabilities/cache-hints.ts'
import { Call } from './requests/call.ts'
import { ChangeIndex, type List } from './changes/change-index.ts'
import { completionMethods } from './capabilities/completion.ts'
import { CallContext } from './requests/context.ts'
import { isPromise } from './async/is-promise.ts'
import { lifecycleMethods } from './capabilities/lifecycle.ts'
import { type Logger, requireLogger, silent } from './logger.ts'
import { loggingMethods } from './capabilities/logging.ts'
import type { MethodHandler } from './requests/method-handlers.ts'
import { requireNumbers } from './options.ts'
import type { Outlet, Peer } from './requests/peer.ts'
import { type PromptHandle, type PromptHandler, type PromptOptions, Prompts } from './capabilities/prompts.ts'
import {
  type FixedResourceOptions,
  type ReadContext,
  type ResourceBody,
  type ResourceHandle,
  Resources,
  type TemplateHandle,
  type TemplateOptions,
} from './capabilities/resources.ts'
import type { ObjectSchema } from './capabilities/schema.ts'
import type { MessageStream } from './sessions/channel.ts'
import type { Session } from './sessions/session.ts'
import { type ListenRequest, Subscription } from './changes/listen-stream.ts'
import { type ToolHandle, type ToolHandler, type ToolOptions, Tools } from './capabilities/tools.ts'
import type { Variables } from './capabilities/uri-template.ts'
import { longestTimerMs } from './async/deadline.ts'

export interface McpServerOptions {
  /** How to use this server, for the model. */
  instructions?: string
  /** How many entries a page of a list holds. All by default: not every client asks for a second page. */
  pageSize?: number
  /** After this long a request is answered with an error, and its handler's signal aborted. Default 600,000. */
  requestTimeoutMs?: number
  /** How long, and for whom, the lists and the answer to `server/discover` may be kept. Not at all by default. */
  cacheHints?: { [of in 'discover' | 'tools' | 'prompts' | 'resources' | 'templates']?: CacheHint }
  /** Where failures of handlers go, whole. Silent by default. */
  logger?: Logger
  /**
   * What joins this server with others that offer the same: a change is told to the clients of all, and each serves the
   * sessions of all. Each mount (`mcp()`, `serve()`) of a server is a node of its own. Default: one for this server alone.
   */
  backplane?: Backplane
}

/**
 * What an application offers over MCP: tools, resources and prompts, registered once for clients of every revision and
 * every transport. It does no I/O: give it to `mcp()` or `serve()`.
 *
 * @example
 * const server = new McpServer({ name: 'greenhouse', version: '1.0.0' })
 * const climate = server.resource('greenhouse://climate', {}, () => readSensors())
 * sensors.on('data', () => climate.changed())
 */
export class McpServer {
  /** How the server introduces itself. */
  readonly info: Implementation
  /** What joins it with other servers. */
  readonly backplane: Backplane
  /** What changed last, and who is to be told. */
  readonly changes: ChangeIndex
  /** Where failures go; what serves this server logs there, too, unless it is given another. */
  readonly logger: Logger
  readonly #requestTimeoutMs: number
  readonly #tools: Tools
  readonly #resources: Resources
  readonly #prompts: Prompts
  readonly #handlers: ReadonlyMap<string, MethodHandler<RequestToServer>>
  readonly #mounts = new Set<Mount>()

  /** @throws {TypeError} when an option is none that could be. */
  constructor(info: Implementation, options: McpServerOptions = {}) {
    const { instructions, pageSize, requestTimeoutMs = 600_000, logger = silent, cacheHints = {} } = options
    requireNumbers({ pageSize }, 1)
    requireNumbers({ requestTimeoutMs })
    this.info = info
    this.logger = requireLogger(logger)
    this.backplane = options.backplane ?? new MemoryBackplane()
    this.changes = new ChangeIndex(this.backplane)
    this.#requestTimeoutMs = Math.min(requestTimeoutMs, longestTimerMs)
    this.#tools = new Tools(() => this.listChanged('tools'), logger, {
      pageSize,
      cacheHint: cacheHints.tools,
    })
    this.#resources = new Resources((topic) => this.changes.publish(topic), {
      pageSize,
      cacheHint: cacheHints.resources,
      templatesHint: cacheHints.templates,
    })
    this.#prompts = new Prompts(() => this.listChanged('prompts'), {
      pageSize,
      cacheHint: cacheHints.prompts,
    })
    this.#handlers = new Map(
      Object.entries({
        ...lifecycleMethods(info, instructions, cacheHints.discover),
        ...this.#tools.methods,
        ...this.#resources.methods,
        ...this.#prompts.methods,
        ...completionMethods(
          (name) => this.#prompts.completersOf(name),
          (uriTemplate) => this.#resources.completersOf(uriTemplate),
        ),
        ...loggingMethods,
      }) as [string, MethodHandler<RequestToServer>][],
    )
  }

  /**
   * Registers a tool. Connected clients are told that the list has changed.
   *
   * Arguments that do not fit `input` never reach the handler: the model is told what is wrong with them. A handler
   * says that it failed by `isError: true` and words for the model; one that throws is logged, and the model is told
   * no more than that it failed, unless what it throws is an `McpError`, which becomes the JSON-RPC error as it is.
   *
   * @throws {TypeError} when the name is taken, or a schema is not of an object.
   */
  tool<
    Input extends ObjectSchema | undefined = undefined,
    Output extends ObjectSchema | undefined = undefined,
  >(name: string, options: ToolOptions<Input, Output>, handler: ToolHandler<Input, Output>): ToolHandle {
    return this.#tools.add(name, options, handler)
  }

  /**
   * Registers one resource. Connected clients are told that the list has changed.
   *
   * @param read what the resource holds now; called for each read.
   * @throws {TypeError} when the URI has no scheme, or is taken.
   */
  resource(
    uri: string,
    options: FixedResourceOptions,
    read: (context: ReadContext) => ResourceBody | Promise<ResourceBody>,
  ): ResourceHandle {
    return this.#resources.add(uri, options, read)
  }

  /**
   * Registers all resources whose URI is of a template (RFC 6570), such as `note:///{name}`.
   *
   * @param read what the resource holds now; `undefined` when there is none of these variables.
   * @throws {TypeError} when the template is malformed, or taken.
   */
  template(
    uriTemplate: string,
    options: TemplateOptions,
    read: (variables: Variables, context: ReadContext) => ResourceBody | Promise<ResourceBody>,
  ): TemplateHandle {
    return this.#resources.addTemplate(uriTemplate, options, read)
  }

  /**
   * Registers a prompt. Connected clients are told that the list has changed.
   *
   * @throws {TypeError} when the name is taken, or the schema is not of an object.
   */
  prompt<Input extends ObjectSchema | undefined = undefined>(
    name: string,
    options: PromptOptions<Input>,
    handler: PromptHandler<Input>,
  ): PromptHandle {
    return this.#prompts.add(name, options, handler)
  }

  /** Tells every subscriber of the URI that what a read of it gives has changed. Costs next to nothing if there is none. */
  changed(uri: string): void {
    this.changes.publish(uri)
  }

  /** Tells every client that a list has changed. Registering, updating and removing do so by themselves. */
  listChanged(list: List): void {
    this.changes.publish(list)
  }

  /**
   * Answers a request. Never rejects: whatever happens becomes a response, but for a request whose answer is no longer
   * wanted (it was cancelled, or its session has ended), which becomes undefined.
   *
   * @param peer who asks.
   * @param outlet where that goes which is sent before the answer.
   */
  answer(request: JSONRPCRequest, peer: Peer, outlet: Outlet): Promise<JSONRPCResponse | undefined> {
    const { id, method } = request
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined
      const call = new Call(request, (answer) => {
        if (timer !== undefined) clearTimeout(timer)
        peer.over(call)
        if (answer === undefined) resolve(undefined)
        else if ('error' in answer) resolve({ jsonrpc: JSONRPC_VERSION, id, error: answer.error.toJSON() })
        else resolve({ jsonrpc: JSONRPC_VERSION, id, result: this.#resultFor(peer, answer.result) })
      })
      const failed = (thrown: unknown) => {
        const error = McpError.from(thrown)
        if (error !== thrown && !call.over) this.logger.error({ err: thrown, method }, 'request failed')
        call.settle({ error })
      }
      peer.begun(call)
      if (method !== 'initialize' && method !== 'ping') peer.session?.ready()
      try {
        const result = this.#run(call, peer, outlet)
        // What is there at once needs no time limit, and no other turn.
        if (!isPromise(result)) return call.settle({ result })
        result.then((result) => call.settle({ result }), failed)
      } catch (thrown) {
        return failed(thrown)
      }
      if (!call.over) timer = setTimeout(() => this.#timeOut(call, peer), this.#requestTimeoutMs)
    })
  }

  #timeOut(call: Call, peer: Peer): void {
    const { method } = call.request
    const message = `${method} took longer than ${this.#requestTimeoutMs} ms`
    this.logger.warn({ session: peer.label, method }, message)
    const error = new McpError(errorCodes.internalError, message)
    call.abort(new DOMException(message, 'TimeoutError'), { error })
  }

  #run(call: Call, peer: Peer, outlet: Outlet): Result | Promise<Result> {
    const { method, params } = call.request
    const handler = this.#handlers.get(method)
    // A method that came with a later revision of the same era does no harm; one of the other era has no meaning.
    const era = isModernRevision(peer.revision) ? peer.revision : latestLegacyRevision
    if (handler === undefined || !isMethodOf(method, era)) {
      throw new McpError(errorCodes.methodNotFound, `Unknown method: ${method.slice(0, 200)}`)
    }
    const checked = parseParams(method as RequestToServer, params)
    return handler(checked, new CallContext(call, peer, outlet), peer)
  }

  #resultFor(peer: Peer, result: Result): Result {
    if (!isModernRevision(peer.revision)) return result
    const _meta = { [metaKeys.serverInfo]: this.info, ...result._meta }
    return { resultType: 'complete', ...result, _meta }
  }

  /** The schema that a tool's arguments must fit; undefined when there is no such tool. */
  inputSchemaOf(tool: string): object | undefined {
    return this.#tools.inputSchemaOf(tool)
  }

  /** Opens a stream of changes, for `subscriptions/listen`. */
  listen(request: ListenRequest, open: (resources: number) => MessageStream): Subscription {
    return new Subscription(request, this.changes, (uri) => this.#resources.has(uri), open)
  }

  /** Takes a message of a session that wants no answer: a notification, or the answer to a request of the server's. */
  accept(message: JSONRPCNotification | JSONRPCResponse, session: Session): void {
    if (isResponse(message)) {
      if (!session.asks.settle(message))
        this.logger.debug({ session: session.label, id: message.id }, 'stray response')
    } else if (message.method === 'notifications/initialized') {
      session.ready()
    } else if (message.method === 'notifications/cancelled') {
      const { requestId, reason } = message.params ?? {}
      session.cancel(
        requestId as string | number,
        typeof reason === 'string' ? reason : 'Cancelled by the client',
      )
    }
  }

  /**
   * Stops gracefully: no new session is opened, requests in flight are waited for, then every stream is ended with a
   * reason, and clients know that they may come back.
   *
   * @param deadlineMs how long requests in flight are waited for. Default 5,000.
   */
  async close({ deadlineMs = 5_000 }: { deadlineMs?: number } = {}): Promise<void> {
    await Promise.all([...this.#mounts].map((mount) => mount.close(deadlineMs)))
    this.changes.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** For `mcp()`: what is to be closed with the server. */
  addMount(mount: Mount): void {
    this.#mounts.add(mount)
  }
}

/** Something that serves the server's clients. */
export interface Mount {
  close(deadlineMs: number): Promise<void>
}
