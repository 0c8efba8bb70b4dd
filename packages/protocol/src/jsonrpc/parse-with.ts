import * as z from 'zod/mini'
import { McpError } from './errors.ts'
import { explain, inWords } from '../zod/error-text.ts'

/**
 * The value, as the schema has it.
 *
 * @throws {McpError} with this code, that says which field is wrong, and how.
 */
export function checked<Schema extends z.ZodMiniType>(
  schema: Schema,
  value: unknown,
  code: number,
  problem: string,
): z.output<Schema> {
  const parsed = z.safeParse(schema, value, inWords)
  if (parsed.success) return parsed.data
  throw new McpError(code, `${problem}: ${explain(parsed.error)}`)
}
