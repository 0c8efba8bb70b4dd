import * as z from 'zod/mini'
import { McpError } from './errors.ts'
import { explain, inWords } from '../zod/error-text.ts'

/**
 * Returns the output of the schema for a value.
 *
 * @throws {McpError} with this code and the problem, the first field that is wrong and the reason.
 */
export function parseWith<Schema extends z.ZodMiniType>(
  schema: Schema,
  value: unknown,
  code: number,
  problem: string,
): z.output<Schema> {
  const parsed = z.safeParse(schema, value, inWords)
  if (parsed.success) return parsed.data
  throw new McpError(code, `${problem}: ${explain(parsed.error)}`)
}
