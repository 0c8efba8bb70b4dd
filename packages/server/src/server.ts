import type { Implementation, List } from '@tidings/protocol'
import { type Backplane } from './backplane/backplane.ts'
import { MemoryBackplane } from './backplane/memory-backplane.ts'
import { type CacheHint, requireCacheHints } from './capabilities/cache-hints.ts'
import { completionMethods } from './capabilities/completion.ts'
import { lifecycleMethods } from './capabilities/lifecycle.ts'
import { loggingMethods } from './capabilities/logging.ts'
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
import { type ToolHandle, type ToolHandler, type ToolOptions, Tools } from './capabilities/tools.ts'
import type { Variables } from './capabilities/uri-template.ts'
import { ChangeIndex } from './changes/change-index.ts'
import { firstFailureOnly, type Logger, requireLogger } from './logger.ts'
import { describe, requireNumbers, requireWholeNumbers } from './options.ts'
import { internals, type ServerInternals } from './internals.ts'
import { Dispatcher } from './requests/dispatcher.ts'
import { SessionMark } from './sessions/session-mark.ts'

export interface McpServerOptions {
  /** Instructions for the model: how to use this server. */
  instructions?: string
  /** The number of entries on a page of a list. Default: all entries, since not every client asks for a second page. */
  pageSize?: number
  /** Milliseconds after which a request is answered with an error, and the signal of its handler aborts. Default 600,000. */
  requestTimeoutMs?: number
  /** How long, and for whom, clients may cache the lists and the answer to `server/discover`. Default: not at all. */
  cacheHints?: { [of in 'discover' | 'tools' | 'prompts' | 'resources' | 'templates']?: CacheHint }
  /** Takes failures of handlers, with the whole error. A pino logger fits. Default: the first failure goes to stderr. */
  logger?: Logger
  /**
   * Connects this server with others that offer the same: a change on one is told to the clients of all, and each serves
   * the sessions of all. Each mount of a server (`mcp()`, `handler()`, `serve()`) is a node of its own. Default: a backplane
   * for this server alone.
   */
  backplane?: Backplane
}

/** Options of `close()`. */
export interface CloseOptions {
  /** Milliseconds that requests in flight are given to finish. Default 5,000. */
  deadlineMs?: number
}

/**
 * The tools, resources and prompts that an application offers over MCP, registered once for clients of every revision and
 * transport. A server does no I/O: give it to `serve()`, `mcp()`, `handler()` or `memoryTransport()`.
 *
 * @example
 * const server = new McpServer({ name: 'greenhouse', version: '1.0.0' })
 * const climate = server.resource('greenhouse://climate', {}, () => readSensors())
 * sensors.on('data', () => climate.changed())
 */
export class McpServer {
  /** @internal */
  readonly [internals]: ServerInternals
  readonly #tools: Tools
  readonly #resources: Resources
  readonly #prompts: Prompts

  /**
   * @param info the name and version that clients are told.
   * @throws {TypeError} when an option has a value it cannot have.
   */
  constructor(info: Implementation, options: McpServerOptions = {}) {
    const { instructions, pageSize, requestTimeoutMs = 600_000, cacheHints = {} } = options
    requireWholeNumbers({ pageSize }, 1)
    requireNumbers({ requestTimeoutMs })
    requireCacheHints(cacheHints)
    const logger = requireLogger(options.logger ?? firstFailureOnly())
    const backplane = options.backplane ?? new MemoryBackplane()
    const changes = new ChangeIndex(backplane)
    const tools = new Tools(changes, logger, { pageSize, cacheHint: cacheHints.tools })
    const prompts = new Prompts(changes, { pageSize, cacheHint: cacheHints.prompts })
    const resources = new Resources(changes, logger, {
      pageSize,
      cacheHint: cacheHints.resources,
      templatesHint: cacheHints.templates,
    })
    const handlers = {
      ...lifecycleMethods(info, instructions, cacheHints.discover),
      ...tools.methods,
      ...resources.methods,
      ...prompts.methods,
      ...completionMethods(prompts, resources),
      ...loggingMethods,
    }
    const dispatcher = new Dispatcher({ handlers, serverInfo: info, requestTimeoutMs, logger })
    this.#tools = tools
    this.#resources = resources
    this.#prompts = prompts
    const isShared = options.backplane !== undefined
    this[internals] = {
      info,
      logger,
      backplane,
      isShared,
      sessionMark: new SessionMark(),
      changes,
      dispatcher,
      tools,
      resources,
      mounts: new Set(),
    }
  }

  /**
   * Registers a tool. Connected clients are told that the list has changed.
   *
   * Arguments that do not fit `input` never reach the handler: the model gets the problem in words. A handler reports a
   * failure with `isError: true` and words for the model. When a handler throws, the error is logged, and the model is only
   * told that the tool failed. An `McpError` that it throws becomes the JSON-RPC error as it is.
   *
   * @throws {TypeError} when the name is taken, or a schema does not describe an object.
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
   * @param read returns the contents; called for each read.
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
   * Registers all resources whose URI matches a template (RFC 6570), such as `note:///{name}`.
   *
   * @param read returns the contents, or `undefined` when no resource has these variables; called for each read.
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
   * @throws {TypeError} when the name is taken, or the schema does not describe an object.
   */
  prompt<Input extends ObjectSchema | undefined = undefined>(
    name: string,
    options: PromptOptions<Input>,
    handler: PromptHandler<Input>,
  ): PromptHandle {
    return this.#prompts.add(name, options, handler)
  }

  /** Tells every subscriber of the URI that its contents have changed. Costs next to nothing when there is none. */
  changed(uri: string): void {
    this[internals].changes.publish(uri)
  }

  /** Tells every client that a list has changed. Registering, updating and removing do so without this call. */
  listChanged(list: List): void {
    this[internals].changes.publish(list)
  }

  /**
   * Ends everything that a principal has on this server, over every transport: its requests in flight are answered with an
   * error, and its sessions and streams end. Its later requests are served if `principal` lets them in, so make that refuse
   * them first. With a `backplane`, call it on each node: a session ends where it lives.
   *
   * @throws {TypeError} when the principal is no string: anonymous callers cannot be told apart.
   */
  async end({ principal }: { principal: string }): Promise<void> {
    if (typeof principal !== 'string') {
      throw new TypeError(`principal must be the string that the option returned, got ${describe(principal)}`)
    }
    await Promise.all([...this[internals].mounts].map((mount) => mount.end(principal)))
  }

  /**
   * Stops gracefully: no new session is opened, requests in flight may finish until the deadline, then every stream ends
   * with a reason. Clients come back to another server, or to this one when it is started again.
   */
  async close({ deadlineMs = 5_000 }: CloseOptions = {}): Promise<void> {
    const { mounts, changes } = this[internals]
    await Promise.all([...mounts].map((mount) => mount.close(deadlineMs)))
    changes.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
