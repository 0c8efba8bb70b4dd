import { headers } from './names.ts'
import { encodeHeaderValue, type HeaderValue, valueAt } from './mirrored-headers.ts'

/** An argument of a tool that is mirrored in a header. */
export interface HeaderParam {
  /** Where it is in the arguments: the names of the properties on the way to it. */
  path: readonly string[]
  /** The name of the header, with its prefix. */
  header: string
  type: 'string' | 'integer' | 'boolean'
}

const annotation = 'x-mcp-header'
const token = /^[\w!#$%&'*+\-.^`|~]+$/
const types: readonly unknown[] = ['string', 'integer', 'boolean']
/** What holds data, not schemas. */
const data = ['const', 'default', 'enum', 'examples']
/** What holds schemas by names of its own. */
const named = ['properties', 'patternProperties', 'dependentSchemas', 'dependencies', '$defs', 'definitions']

const known = new WeakMap<object, readonly HeaderParam[]>()

/**
 * The arguments that a tool's input schema says are mirrored in headers, by `x-mcp-header`. A schema is searched once:
 * do not change it afterwards.
 *
 * @throws {TypeError} that says why the definition of the tool is invalid: a client leaves such a tool out.
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#schema-extension
 */
export function headerParams(inputSchema: object): readonly HeaderParam[] {
  const params = known.get(inputSchema) ?? search(inputSchema)
  known.set(inputSchema, params)
  return params
}

function search(inputSchema: object): HeaderParam[] {
  const found = new Map<string, HeaderParam>()

  /** @param reached whether there are only `properties` on the way from the root. */
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
 * The arguments of a call that are mirrored in headers, each with the header's name. What is absent or null is not,
 * nor is what no header can stand for: what is no string, boolean or safe number.
 *
 * @throws {TypeError} as {@link headerParams} does.
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
 * The headers that a call of a tool is sent with, besides those of every request.
 *
 * @throws {TypeError} as {@link headerParams} does.
 */
export function paramHeaders(inputSchema: object, args: unknown): Record<string, string> {
  return Object.fromEntries(
    headerArguments(inputSchema, args).map(({ header, value }) => [header, encodeHeaderValue(String(value))]),
  )
}
