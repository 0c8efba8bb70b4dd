import { type CompleteResult, errorCodes, McpError } from '@tidings/protocol'
import type { HandlerContext } from '../requests/context.ts'
import type { MethodHandlers } from '../requests/method-handlers.ts'

/**
 * Suggests values for one argument or variable.
 *
 * @param value the text that was typed so far.
 * @param context `arguments` holds the arguments that are filled in already, by name (clients send them since 2025-06-18).
 * @returns all values that fit, the best first. The client gets the first 100.
 */
export type Completer = (
  value: string,
  context: { readonly arguments: Record<string, string>; readonly request: HandlerContext },
) => string[] | Promise<string[]>

/** Completers, by the name of the argument or variable. */
export type Completers = Record<string, Completer>

// https://modelcontextprotocol.io/specification/2025-11-25/server/utilities/completion#completion-results
const maxValues = 100

/** Finds the completers of a prompt by its name, or of a template by its text. Undefined when there is no such thing. */
interface CompletersSource {
  completersOf(name: string): Completers | undefined
}

/** The method of the `completions` capability. */
export function completionMethods(prompts: CompletersSource, templates: CompletersSource) {
  return {
    async 'completion/complete'({ ref, argument, context: given }, request): Promise<CompleteResult> {
      const [name, completers] =
        ref.type === 'ref/prompt'
          ? [ref.name, prompts.completersOf(ref.name)]
          : [ref.uri, templates.completersOf(ref.uri)]
      if (completers === undefined) {
        throw new McpError(
          errorCodes.invalidParams,
          `Nothing to complete: no ${ref.type.slice(4)} ${name.slice(0, 200)}`,
        )
      }
      const completer = Object.hasOwn(completers, argument.name) ? completers[argument.name] : undefined
      const all = (await completer?.(argument.value, { arguments: given?.arguments ?? {}, request })) ?? []
      const values = all.slice(0, maxValues)
      return { completion: { values, total: all.length, hasMore: all.length > values.length } }
    },
  } satisfies MethodHandlers
}
