import * as z from 'zod/mini'
import { McpError } from './errors.ts'
import { inWords } from '../zod/error-text.ts'
import { usablePartOf } from '../zod/usable.ts'

/**
 * Called when parts of a message were left out because they are wrong, with what the message is, and the place of each part
 * and the reason. At most 11: the last may say how many there are more.
 */
export type OnLeftOut = (problem: string, parts: readonly string[]) => void

/**
 * Returns the output of the schema for a value; when the schema refuses it, for what can be used of it.
 *
 * @param onLeftOut allows to leave out parts that are wrong. Without it, only what `null` or `[]` stands for is mended.
 * @throws {McpError} with this code and the problem, the first field that is wrong and the reason.
 */
export function parseWith<Schema extends z.ZodMiniType>(
  schema: Schema,
  value: unknown,
  code: number,
  problem: string,
  onLeftOut?: OnLeftOut,
): z.output<Schema> {
  const parsed = z.safeParse(schema, value, inWords)
  if (parsed.success) return parsed.data
  try {
    return usablePartOf(schema, value, onLeftOut && ((parts) => onLeftOut(problem, parts)))
  } catch (cause) {
    throw new McpError(code, `${problem}: ${(cause as Error).message}`)
  }
}
