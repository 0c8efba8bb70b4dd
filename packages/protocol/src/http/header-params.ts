import { headers } from './names.ts'
import { encodeHeaderValue, type HeaderValue, valueAt } from './mirrored-headers.ts'

/** An argument of a tool that is mirrored in a header. */
export interface HeaderParam {
  /** Its path in the arguments: the names of the properties. */
  path: readonly string[]
  /** The name of the header, with the prefix. */
  header: string
  type: 'string' | 'integer' | 'boolean'
}

const annotation = 'x-mcp-header'
const token = /^[\w!#$%&'*+\-.^`|~]+$/
const types: readonly unknown[] = ['string', 'integer', 'boolean']
/** The keywords that hold data. */
const data = ['const', 'default', 'enum', 'examples']
/** The keywords that hold schemas under names. */
const named = ['properties', 'patternProperties', 'dependentSchemas', 'dependencies', '$defs', 'definitions']

const known = new WeakMap<object, readonly HeaderParam[]>()

/**
 * Returns the arguments that the input schema of a tool marks with `x-mcp-header`. A schema is searched once: do not
 * change it afterwards.
 *
 * @throws {TypeError} when the definition of the tool is invalid, with the reason. A client leaves such a tool out.
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#schema-extension
 */
export function headerParams(inputSchema: object): readonly HeaderParam[] {
  const params = known.get(inputSchema) ?? search(inputSchema)
  known.set(inputSchema, params)
  return params
}

function search(inputSchema: object): HeaderParam[] {
  const found = new Map<string, HeaderParam>()

  /** @param reached whether the path from the root has only `properties`. */
  function visit(schema: unknown, path: readonly string[], reached: boolean): void {
    if (typeof schema !== 'object' || schema === null) return
    if (!Array.isArray(schema) && Object.hasOwn(schema, annotation)) {
      const param = paramOf(schema as Record<string, unknown>, path, reached)
      const key = param.header.toLowerCase()
      if (found.has(key)) throw invalid(path, `another property has the header ${param.header} already`)
      found.set(key, param)
    }
    for (const [keyword, value] of Object.entries(schema) as [string, unknown][]) {
      if (data.includes(keyword) || typeof value !== 'object' || value === null) continue
      if (!Array.isArray(schema) && named.includes(keyword)) {
        const onTheWay = reached && keyword === 'properties'
        const at = onTheWay ? path : [...path, keyword]
        for (const [name, each] of Object.entries(value)) visit(each, [...at, name], onTheWay)
      } else visit(value, [...path, keyword], false)
    }
  }

  visit(inputSchema, [], true)
  return [...found.values()]
}

function paramOf(schema: Record<string, unknown>, path: readonly string[], reached: boolean): HeaderParam {
  const name = schema[annotation]
  if (typeof name !== 'string' || !token.test(name)) {
    throw invalid(
      path,
      `${JSON.stringify(String(name).slice(0, 100))} cannot be part of the name of a header`,
    )
  }
  if (!reached || path.length === 0) {
    throw invalid(path, 'only a property that is reached by `properties` alone can have it')
  }
  if (!types.includes(schema['type'])) {
    throw invalid(path, `the type must be string, integer or boolean, not ${JSON.stringify(schema['type'])}`)
  }
  return { path, header: headers.paramPrefix + name, type: schema['type'] as HeaderParam['type'] }
}

function invalid(path: readonly string[], reason: string): TypeError {
  return new TypeError(`Invalid ${annotation} at ${path.join('.') || 'the root of the schema'}: ${reason}`)
}

/**
 * Returns the arguments of a call that go into headers, each with the name of its header. Absent values and values
 * other than strings, booleans and safe numbers have no header.
 *
 * @throws {TypeError} like {@link headerParams}.
 */
export function headerArguments(
  inputSchema: object,
  args: unknown,
): { header: string; value: HeaderValue }[] {
  return headerParams(inputSchema).flatMap(({ path, header }) => {
    const value = valueAt(args, path)
    return isHeaderValue(value) ? [{ header, value }] : []
  })
}

function isHeaderValue(value: unknown): value is HeaderValue {
  if (typeof value === 'number') return Math.abs(value) <= Number.MAX_SAFE_INTEGER
  return typeof value === 'string' || typeof value === 'boolean'
}

/**
 * Returns the headers that mirror the arguments of a call.
 *
 * @throws {TypeError} like {@link headerParams}.
 */
export function paramHeaders(inputSchema: object, args: unknown): Record<string, string> {
  return Object.fromEntries(
    headerArguments(inputSchema, args).map(({ header, value }) => [header, encodeHeaderValue(String(value))]),
  )
}
