import {
  type CallToolResult,
  errorCodes,
  headerParams,
  McpError,
  type Tool,
  type ToolAnnotations,
  type Icon,
  type Meta,
} from '@tidings/protocol'
import type { ChangeIndex } from '../changes/change-index.ts'
import { hintFor } from './cache-hints.ts'
import { QuestionError } from '../requests/client-requests.ts'
import type { HandlerContext } from '../requests/context.ts'
import { asObject, FaultyResult, kindOf, textOf } from '../requests/encode.ts'
import { isPromise } from '../async/is-promise.ts'
import type { Logger } from '../logger.ts'
import type { MethodHandlers } from '../requests/method-handlers.ts'
import { requireRegistration } from '../options.ts'
import { type ListOptions, pageOf } from './pages.ts'
import {
  type Checked,
  type CompiledSchema,
  compileSchema,
  noArguments,
  type InputOf,
  type ObjectSchema,
  type OutputOf,
} from './schema.ts'

/** The listing of a tool, and the schemas of its arguments and result. */
export interface ToolOptions<Input = ObjectSchema | undefined, Output = ObjectSchema | undefined> {
  title?: string
  description?: string
  /** Schema of the arguments, which describes an object: zod or JSON Schema. A tool without a schema takes no arguments. */
  input?: Input
  /** Schema of the `structuredContent` of a result, which describes an object: zod or JSON Schema. */
  output?: Output
  annotations?: ToolAnnotations
  icons?: Icon[]
  _meta?: Meta
}

/**
 * The result of a tool's handler. Beside `structuredContent` you can leave out `content`: Tidings fills in the JSON text, for
 * clients that know no structured content. `isError: true` reports a failure, in words for the model.
 */
export type ToolResult<Output = undefined> =
  | (Omit<CallToolResult, 'structuredContent'> & { structuredContent?: InputOf<Output> })
  | {
      structuredContent: InputOf<Output>
      content?: CallToolResult['content']
      isError?: boolean
      _meta?: Meta
    }

/** Runs when the tool is called, with arguments that passed `input`. */
export type ToolHandler<Input, Output> = (
  args: OutputOf<Input>,
  context: HandlerContext,
) => ToolResult<Output> | Promise<ToolResult<Output>>

/** A registered tool. */
export interface ToolHandle {
  readonly name: string
  /** Changes the listing; options that you leave out stay as they are. Clients are told. */
  readonly update: (options: Omit<ToolOptions, 'input' | 'output'>) => void
  /** Removes the tool. Clients are told. */
  readonly remove: () => void
}

type AnyResult = ToolResult<ObjectSchema | undefined>

interface RegisteredTool {
  listing: Tool
  input: CompiledSchema
  output: CompiledSchema | undefined
  handler: ToolHandler<ObjectSchema | undefined, ObjectSchema | undefined>
}

/** The tools of a server, and the handlers of their methods. */
export class Tools {
  readonly #tools = new Map<string, RegisteredTool>()
  readonly #changes: ChangeIndex
  readonly #logger: Logger
  readonly #options: ListOptions

  constructor(changes: ChangeIndex, logger: Logger, options: ListOptions) {
    this.#changes = changes
    this.#logger = logger
    this.#options = options
  }

  add<Input extends ObjectSchema | undefined, Output extends ObjectSchema | undefined>(
    name: string,
    options: ToolOptions<Input, Output>,
    handler: ToolHandler<Input, Output>,
  ): ToolHandle {
    requireRegistration(`The tool ${JSON.stringify(name)}`, options, handler)
    const { input, output, ...listed } = options
    if (this.#tools.has(name)) throw new TypeError(`The tool ${JSON.stringify(name)} is registered already`)
    const compiledInput =
      input === undefined
        ? noArguments
        : compileSchema(input, 'input', `Input of the tool ${JSON.stringify(name)}`)
    const compiledOutput =
      output && compileSchema(output, 'output', `Output of the tool ${JSON.stringify(name)}`)
    checkHeaders(compiledInput, `Input of the tool ${JSON.stringify(name)}`)
    const listing: Tool = { name, ...listed, inputSchema: compiledInput.json }
    if (compiledOutput !== undefined) listing.outputSchema = compiledOutput.json
    const tool: RegisteredTool = {
      listing,
      input: compiledInput,
      output: compiledOutput,
      handler: handler,
    }
    this.#tools.set(name, tool)
    this.#changes.publish('tools')
    return {
      name,
      update: (options) => {
        tool.listing = { ...tool.listing, ...options }
        this.#changes.publish('tools')
      },
      remove: () => {
        if (this.#tools.get(name) === tool && this.#tools.delete(name)) this.#changes.publish('tools')
      },
    }
  }

  /** The schema of a tool's arguments. Undefined when there is no such tool. */
  inputSchemaOf(name: string): object | undefined {
    return this.#tools.get(name)?.listing.inputSchema
  }

  readonly methods = {
    'tools/list': (params, _context, peer) => {
      const { page, ...rest } = pageOf([...this.#tools.values()], params?.cursor, this.#options.pageSize)
      return { tools: page.map(({ listing }) => listing), ...rest, ...hintFor(peer, this.#options.cacheHint) }
    },
    'tools/call': ({ name, arguments: args }, context) => this.#call(name, args ?? {}, context),
  } satisfies MethodHandlers

  #call(
    name: string,
    args: Record<string, unknown>,
    context: HandlerContext,
  ): CallToolResult | Promise<CallToolResult> {
    const tool = this.#tools.get(name)
    if (tool === undefined)
      throw new McpError(errorCodes.invalidParams, `Unknown tool: ${name.slice(0, 200)}`)
    const input = tool.input.check(args)
    return isPromise(input)
      ? Promise.resolve(input).then((input) => this.#handle(tool, input, context))
      : this.#handle(tool, input, context)
  }

  #handle(
    tool: RegisteredTool,
    input: Checked,
    context: HandlerContext,
  ): CallToolResult | Promise<CallToolResult> {
    if ('problem' in input)
      return failure(`The arguments of ${tool.listing.name} do not fit its input schema: ${input.problem}`)
    let result: AnyResult | Promise<AnyResult>
    try {
      result = tool.handler(input.value, context)
      if (isPromise(result)) {
        return Promise.resolve(result).then(
          (result) => this.#checkResult(tool, result),
          (thrown: unknown) => this.#failed(tool, thrown, context),
        )
      }
    } catch (thrown) {
      return this.#failed(tool, thrown, context)
    }
    return this.#checkResult(tool, result)
  }

  #failed(tool: RegisteredTool, thrown: unknown, context: HandlerContext): CallToolResult {
    if (thrown instanceof QuestionError) return failure(thrown.words)
    // An McpError is meant for the client; any other error may hold secrets.
    if (thrown instanceof McpError) throw thrown
    const { name } = tool.listing
    if (!context.signal.aborted) this.#logger.error({ err: thrown, tool: name }, 'tool failed')
    return failure(`The tool ${name} failed: internal error`)
  }

  /** @throws {FaultyResult} when it is no result. */
  #checkResult(tool: RegisteredTool, result: AnyResult): CallToolResult | Promise<CallToolResult> {
    try {
      return this.#readResult(tool, result)
    } catch (cause) {
      if (cause instanceof FaultyResult) throw cause
      throw new FaultyResult(`What the tool ${tool.listing.name} returned cannot be read`, { cause })
    }
  }

  #readResult(tool: RegisteredTool, result: AnyResult): CallToolResult | Promise<CallToolResult> {
    const { name } = tool.listing
    const expected = `The handler of the tool ${name} must return { content: [...] } or { structuredContent: {...} }`
    if (typeof result !== 'object' || result === null) {
      throw new FaultyResult(`${expected}, it returned ${kindOf(result)}`)
    }
    const { content, structuredContent } = result
    if (!Array.isArray(content ?? []) || (content ?? structuredContent) === undefined) {
      throw new FaultyResult(`${expected}, the content it returned is ${kindOf(content)}`)
    }
    const subject = () => `The structuredContent that the tool ${name} returned`
    if (structuredContent !== undefined) asObject(structuredContent, subject)
    if (tool.output === undefined || result.isError === true) return withContent(result, subject)
    const withOutput = (output: Checked): CallToolResult => {
      if ('value' in output)
        return withContent({ ...result, structuredContent: output.value as Record<string, unknown> }, subject)
      throw new FaultyResult(
        `What the tool ${name} returned does not fit its output schema: ${output.problem}`,
      )
    }
    const output = tool.output.check(result.structuredContent)
    return isPromise(output) ? Promise.resolve(output).then(withOutput) : withOutput(output)
  }
}

/** Clients leave out a tool that mirrors arguments in headers in a wrong way: better told here. */
function checkHeaders({ json }: CompiledSchema, of: string): void {
  try {
    headerParams(json)
  } catch (cause) {
    throw new TypeError(`${of}: ${(cause as Error).message}`, { cause })
  }
}

function withContent({ content, ...result }: AnyResult, subject: () => string): CallToolResult {
  return {
    content: content ?? [{ type: 'text', text: textOf(result.structuredContent, subject) }],
    ...result,
  }
}

function failure(text: string): CallToolResult {
  return { content: [{ type: 'text', text }], isError: true }
}
