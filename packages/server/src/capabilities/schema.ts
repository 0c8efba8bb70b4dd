import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import type { Tool } from '@tidings/protocol'
import { Ajv, type SchemaObject, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { withLinearUniqueItems } from './unique-items.ts'

/** A JSON Schema of an object, as a tool lists it. */
export type JsonSchema = Tool['inputSchema']

/** A schema of a library that can check a value and write itself as JSON Schema: zod 4.2 and newer, and others. */
export interface LibrarySchema<Input = unknown, Output = Input> {
  readonly '~standard': StandardSchemaV1.Props<Input, Output> & StandardJSONSchemaV1.Props<Input, Output>
}

/**
 * A schema of zod 4. It is a {@link LibrarySchema} too, but as such its types cost the compiler as much as the schema itself:
 * with a hundred tools that shows.
 */
export interface ZodSchema {
  readonly _zod: { readonly input: unknown; readonly output: unknown }
}

/** Describes an object: a schema of a library, or a JSON Schema, which is listed as it is. */
export type ObjectSchema = ZodSchema | LibrarySchema | JsonSchema

/** The type of a value that passed the schema. */
export type OutputOf<Schema> = Schema extends ZodSchema
  ? Schema['_zod']['output']
  : Schema extends LibrarySchema<unknown, infer Output>
    ? Output
    : Record<string, unknown>

/** The type of a value that the schema is to check. */
export type InputOf<Schema> = Schema extends ZodSchema
  ? Schema['_zod']['input']
  : Schema extends LibrarySchema<infer Input>
    ? Input
    : Record<string, unknown>

/** A value as the schema made it, or its problem, in words for the sender. */
export type Checked = { value: unknown } | { problem: string }

/** A schema ready for use. */
export interface CompiledSchema {
  readonly json: JsonSchema
  readonly check: (value: unknown) => Checked | Promise<Checked>
}

/**
 * Stands for a schema that was not given. Arguments that come all the same are ignored: some hosts add their own to each call.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool, a tool with no parameters
 */
export const noArguments: CompiledSchema = {
  json: { type: 'object', additionalProperties: false },
  check: () => ({ value: {} }),
}

/**
 * Makes a schema ready for use.
 *
 * @param direction the side of the schema that is listed: the input or the output of its transformations.
 * @throws {TypeError} when it is no schema, or does not describe an object.
 */
export function compileSchema(
  schema: ObjectSchema,
  direction: 'input' | 'output',
  of: string,
): CompiledSchema {
  return '~standard' in schema && typeof schema['~standard'] === 'object'
    ? compileLibrarySchema(schema as LibrarySchema, direction, of)
    : compileJsonSchema(schema as JsonSchema, of)
}

function compileLibrarySchema(
  schema: LibrarySchema,
  direction: 'input' | 'output',
  of: string,
): CompiledSchema {
  const { vendor, jsonSchema, validate } = schema['~standard']
  if (typeof jsonSchema?.[direction] !== 'function') {
    throw new TypeError(
      `${of}: the ${vendor} schema cannot write itself as JSON Schema; with zod, use 4.2 or newer`,
    )
  }
  const json = listed(inWords(of, () => jsonSchema[direction]({ target: 'draft-2020-12' })))
  requireObject(json, of)
  const checked = (result: StandardSchemaV1.Result<unknown>): Checked =>
    result.issues === undefined
      ? { value: result.value }
      : { problem: inOneLine(result.issues.slice(0, maxProblems).map(describe), result.issues.length) }
  return {
    json,
    check(value) {
      const result = validate(value)
      return result instanceof Promise ? result.then(checked) : checked(result)
    },
  }
}

/**
 * What a library wrote, for a list of tools. Without `$schema`: 2020-12 is the default of MCP, and hosts whose validator knows
 * older drafts only would drop the tool. With `type: object`, which MCP requires beside a union of objects too.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic#json-schema-usage
 */
function listed(written: Record<string, unknown>): JsonSchema {
  const json = { ...written }
  delete json['$schema']
  return (isOfObjects(json) ? { type: 'object', ...json } : json) as JsonSchema
}

function isOfObjects({ type, anyOf, oneOf, allOf }: Record<string, unknown>): boolean {
  if (type !== undefined) return type === 'object'
  const of = (list: unknown) => (Array.isArray(list) ? (list as Record<string, unknown>[]) : [])
  const union = of(anyOf ?? oneOf)
  return (union.length > 0 && union.every(isOfObjects)) || of(allOf).some(isOfObjects)
}

function compileJsonSchema(json: JsonSchema, of: string): CompiledSchema {
  requireObject(json, of)
  const validate = compileWithAjv(json, of)
  return {
    json,
    check(value) {
      if (validate(value)) return { value }
      const problems = (validate.errors ?? []).slice(0, maxProblems)
      return {
        problem: inOneLine(problems.map(({ instancePath, message }) => `${instancePath || '/'} ${message}`)),
      }
    },
  }
}

const maxProblems = 10
/** The characters that are told of problems: values and keys in them may be long. */
const maxProblemLength = 1_000
let ajv2020: Ajv | undefined
let ajvDraft7: Ajv | undefined

function compileWithAjv(json: JsonSchema, of: string): ValidateFunction {
  // Unknown keywords and formats are annotations in JSON Schema, not errors.
  const options = { strict: false, validateFormats: false }
  const draft = String(json.$schema ?? '2020-12')
  const isDraft7 = draft.includes('draft-07')
  if (!isDraft7 && !draft.includes('2020-12')) {
    throw new TypeError(
      `${of}: the $schema must be JSON Schema 2020-12 (the default) or draft-07, got ${draft.slice(0, 200)}`,
    )
  }
  const ajv = isDraft7
    ? (ajvDraft7 ??= withLinearUniqueItems(new Ajv(options)))
    : (ajv2020 ??= withLinearUniqueItems(new Ajv2020(options)))
  if (json['$async']) {
    throw new TypeError(
      `${of}: a schema cannot be $async: what it makes of a value would have to be waited for`,
    )
  }
  try {
    return inWords(of, () => ajv.compile(json as SchemaObject))
  } finally {
    ajv.removeSchema(json as SchemaObject)
  }
}

/** Names the schema in an error of a library. */
function inWords<T>(of: string, compile: () => T): T {
  try {
    return compile()
  } catch (cause) {
    throw new TypeError(`${of}: ${(cause as Error).message}`, { cause })
  }
}

function requireObject(json: JsonSchema, of: string): void {
  if (typeof json === 'object' && json !== null && json.type === 'object') return
  throw new TypeError(
    `${of}: the schema must describe an object (wrap a shape in z.object), got ${JSON.stringify(json)?.slice(0, 200)}`,
  )
}

/** @param count of all problems. The first few are enough to go on with; a hostile value can have very many. */
function inOneLine(problems: readonly string[], count = problems.length): string {
  const more = count - problems.length
  const text = problems.join('; ') + (more > 0 ? `; and ${more} more` : '')
  return text.length > maxProblemLength ? `${text.slice(0, maxProblemLength)}…` : text
}

function describe({ path, message }: StandardSchemaV1.Issue): string {
  const keys = path?.map((segment) => String(typeof segment === 'object' ? segment.key : segment)) ?? []
  return keys.length === 0 ? message : `${keys.join('.')}: ${message}`
}
