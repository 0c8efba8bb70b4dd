import {
  errorCodes,
  type Implementation,
  isResponse,
  JSONRPC_VERSION,
  type JSONRPCNotification,
  type JSONRPCRequest,
  type JSONRPCResponse,
  McpError,
  parseParams,
  type RequestToServer,
  type Result,
} from '@tidings/protocol'
import { Call } from './call.ts'
import { ChangeIndex, type List } from './changes/change-index.ts'
import { completionMethods } from './completion.ts'
import { CallContext } from './context.ts'
import { lifecycleMethods } from './lifecycle.ts'
import { type Logger, silent } from './logger.ts'
import { loggingMethods } from './logging.ts'
import type { MethodHandler } from './method-handlers.ts'
import { type PromptHandle, type PromptHandler, type PromptOptions, Prompts } from './prompts.ts'
import {
  type FixedResourceOptions,
  type ReadContext,
  type ResourceBody,
  type ResourceHandle,
  Resources,
  type TemplateHandle,
  type TemplateOptions,
} from './resources.ts'
import type { ObjectSchema } from './schema.ts'
import type { Session } from './sessions/session.ts'
import { type ToolHandle, type ToolHandler, type ToolOptions, Tools } from './tools.ts'
import type { Variables } from './uri-template.ts'

// A timer of more would fire at once.
const longestTimerMs = 2 ** 31 - 1

export interface McpServerOptions {
  /** How to use this server, for the model. */
  instructions?: string
  /** How many entries a page of a list holds. All by default: not every client asks for a second page. */
  pageSize?: number
  /** After this long a request is answered with an error, and its handler's signal aborted. Default 600,000. */
  requestTimeoutMs?: number
  /** Where failures of handlers go, whole. Silent by default. */
  logger?: Logger
}

/**
 * What an application offers over MCP: tools, resources and prompts, registered once for clients of every revision and
 * every door. It does no I/O: give it to `mcp()` or `serve()`.
 *
 * @example
 * const server = new McpServer({ name: 'greenhouse', version: '1.0.0' })
 * const climate = server.resource('greenhouse://climate', {}, () => readSensors())
 * sensors.on('data', () => climate.changed())
 */
export class McpServer {
  /** How the server introduces itself. */
  readonly info: Implementation
  /** What changed last, and who is to be told. */
  readonly changes = new ChangeIndex()
  readonly #logger: Logger
  readonly #requestTimeoutMs: number
  readonly #tools: Tools
  readonly #resources: Resources
  readonly #prompts: Prompts
  readonly #handlers: ReadonlyMap<string, MethodHandler<RequestToServer>>
  readonly #mounts = new Set<Mount>()

  constructor(info: Implementation, options: McpServerOptions = {}) {
    const { instructions, pageSize, requestTimeoutMs = 600_000, logger = silent } = options
    this.info = info
    this.#logger = logger
    this.#requestTimeoutMs = Math.min(requestTimeoutMs, longestTimerMs)
    this.#tools = new Tools(() => this.listChanged('tools'), logger, pageSize)
    this.#resources = new Resources((topic) => this.changes.publish(topic), pageSize)
    this.#prompts = new Prompts(() => this.listChanged('prompts'), pageSize)
    this.#handlers = new Map(
      Object.entries({
        ...lifecycleMethods(info, instructions),
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
   * Answers a request of a session. Never rejects: whatever happens becomes a response, but for a request whose answer
   * is no longer wanted (it was cancelled, or its session has ended), which becomes undefined.
   */
  answer(request: JSONRPCRequest, session: Session): Promise<JSONRPCResponse | undefined> {
    const { id, method } = request
    const handler = this.#handlers.get(method)
    return new Promise((resolve) => {
      const settle = (answer: { result: Result } | { error: McpError } | undefined) => {
        clearTimeout(timer)
        call.finish()
        if (session.calls.get(id) === call) session.calls.delete(id)
        if (answer === undefined) resolve(undefined)
        else if ('result' in answer) resolve({ jsonrpc: JSONRPC_VERSION, id, result: answer.result })
        else resolve({ jsonrpc: JSONRPC_VERSION, id, error: answer.error.toJSON() })
      }
      const call = new Call(request, (error) => settle(error && { error }))
      const timer = setTimeout(() => {
        const message = `${method} took longer than ${this.#requestTimeoutMs} ms`
        this.#logger.warn({ session: session.label, method }, message)
        call.abort(new DOMException(message, 'TimeoutError'), new McpError(errorCodes.internalError, message))
      }, this.#requestTimeoutMs)
      session.calls.set(id, call)
      if (method !== 'initialize' && method !== 'ping') session.ready()
      const run = async () => {
        if (handler === undefined) {
          throw new McpError(errorCodes.methodNotFound, `Unknown method: ${method.slice(0, 200)}`)
        }
        const params = parseParams(method as RequestToServer, request.params)
        return handler(params, new CallContext(call, session), session)
      }
      run().then(
        (result) => settle({ result }),
        (thrown: unknown) => {
          const error = McpError.from(thrown)
          if (error !== thrown && !call.over) this.#logger.error({ err: thrown, method }, 'request failed')
          settle({ error })
        },
      )
    })
  }

  /** Takes a message of a session that wants no answer: a notification, or the answer to a request of the server's. */
  accept(message: JSONRPCNotification | JSONRPCResponse, session: Session): void {
    if (isResponse(message)) {
      if (!session.asks.settle(message))
        this.#logger.debug({ session: session.label, id: message.id }, 'stray response')
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
