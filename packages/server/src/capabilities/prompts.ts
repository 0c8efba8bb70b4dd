import {
  errorCodes,
  type GetPromptResult,
  type Icon,
  McpError,
  type Meta,
  type Prompt,
  type PromptArgument,
} from '@tidings/protocol'
import type { ChangeIndex } from '../changes/change-index.ts'
import { hintFor } from './cache-hints.ts'
import type { Completers } from './completion.ts'
import type { HandlerContext } from '../requests/context.ts'
import { FaultyResult, kindOf } from '../requests/encode.ts'
import type { MethodHandlers } from '../requests/method-handlers.ts'
import { requireRegistration } from '../options.ts'
import { type ListOptions, pageOf } from './pages.ts'
import {
  type CompiledSchema,
  compileSchema,
  noArguments,
  type ObjectSchema,
  type OutputOf,
} from './schema.ts'

/** The listing of a prompt, and the schema of its arguments. */
export interface PromptOptions<Input = ObjectSchema | undefined> {
  title?: string
  description?: string
  /** Schema of the arguments, which describes an object of strings: zod or JSON Schema. A prompt without a schema takes none. */
  input?: Input
  /** Suggests values for arguments, by name. */
  complete?: Completers
  icons?: Icon[]
  _meta?: Meta
}

/** Makes the messages of the prompt, from arguments that passed `input`. */
export type PromptHandler<Input> = (
  args: [Input] extends [undefined] ? Record<string, unknown> : OutputOf<Input>,
  context: HandlerContext,
) => GetPromptResult | Promise<GetPromptResult>

/** A registered prompt. */
export interface PromptHandle {
  readonly name: string
  /** Changes the listing; options that you leave out stay as they are. Clients are told. */
  readonly update: (options: Omit<PromptOptions, 'input' | 'complete'>) => void
  /** Removes the prompt. Clients are told. */
  readonly remove: () => void
}

interface RegisteredPrompt {
  listing: Prompt
  input: CompiledSchema
  complete: Completers
  handler: PromptHandler<undefined>
}

/** The prompts of a server, and the handlers of their methods. */
export class Prompts {
  readonly #prompts = new Map<string, RegisteredPrompt>()
  readonly #changes: ChangeIndex
  readonly #options: ListOptions

  constructor(changes: ChangeIndex, options: ListOptions) {
    this.#changes = changes
    this.#options = options
  }

  add<Input extends ObjectSchema | undefined>(
    name: string,
    options: PromptOptions<Input>,
    handler: PromptHandler<Input>,
  ): PromptHandle {
    requireRegistration(`The prompt ${JSON.stringify(name)}`, options, handler)
    const { input, complete = {}, ...listed } = options
    if (this.#prompts.has(name))
      throw new TypeError(`The prompt ${JSON.stringify(name)} is registered already`)
    const of = `Input of the prompt ${JSON.stringify(name)}`
    const compiled = input === undefined ? noArguments : compileSchema(input, 'input', of)
    const args = argumentsOf(compiled)
    for (const argument of Object.keys(complete)) {
      if (args.some((listed) => listed.name === argument)) continue
      throw new TypeError(`The prompt ${JSON.stringify(name)} has no argument ${argument} to complete`)
    }
    const prompt: RegisteredPrompt = {
      listing: { name, ...listed, ...(args.length > 0 && { arguments: args }) },
      input: compiled,
      complete,
      handler: handler as PromptHandler<undefined>,
    }
    this.#prompts.set(name, prompt)
    this.#changes.publish('prompts')
    return {
      name,
      update: (options) => {
        prompt.listing = { ...prompt.listing, ...options }
        this.#changes.publish('prompts')
      },
      remove: () => {
        if (this.#prompts.get(name) === prompt && this.#prompts.delete(name)) this.#changes.publish('prompts')
      },
    }
  }

  /** The completers of a prompt's arguments. */
  completersOf(name: string): Completers | undefined {
    return this.#prompts.get(name)?.complete
  }

  readonly methods = {
    'prompts/list': (params, _context, peer) => {
      const { page, ...rest } = pageOf([...this.#prompts.values()], params?.cursor, this.#options.pageSize)
      return {
        prompts: page.map(({ listing }) => listing),
        ...rest,
        ...hintFor(peer, this.#options.cacheHint),
      }
    },
    'prompts/get': async ({ name, arguments: args = {} }, context) => {
      const prompt = this.#prompts.get(name)
      if (prompt === undefined)
        throw new McpError(errorCodes.invalidParams, `Unknown prompt: ${name.slice(0, 200)}`)
      const input = await prompt.input.check(args)
      if ('problem' in input) {
        throw new McpError(errorCodes.invalidParams, `The arguments of ${name} do not fit: ${input.problem}`)
      }
      const result = await prompt.handler(input.value as Record<string, unknown>, context)
      if (Array.isArray(result?.messages)) return result
      const { messages } = Object(result) as { messages?: unknown }
      throw new FaultyResult(
        `The handler of the prompt ${name} must return { messages: [...] }, the messages it returned are ${kindOf(messages)}`,
      )
    },
  } satisfies MethodHandlers
}

function argumentsOf({ json }: CompiledSchema): PromptArgument[] {
  return Object.entries(json.properties ?? {}).map(([name, property]) => {
    const { title, description } = property as { title?: string; description?: string }
    return {
      name,
      ...(title !== undefined && { title }),
      ...(description !== undefined && { description }),
      required: json.required?.includes(name) ?? false,
    }
  })
}
