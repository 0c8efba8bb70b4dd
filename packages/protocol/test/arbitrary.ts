import * as fc from 'fast-check'
import * as z from 'zod/v4/core'

/** Any zod 4 schema: of zod, of zod/mini, of this copy of zod or another. */
export type Schema = z.$ZodType

// Enough kinds of string for every format that a schema asks for, so that most of what is generated is valid.
const strings = fc.constantFrom('', 'water', 'aGVsbG8=', 'text/plain', 'note:///a', '__proto__', 'toString')
const numbers = fc.constantFrom(0, 1, -1, 0.5, 3, 100, 2 ** 40, 1e-9)
const scalars = fc.oneof(strings, numbers, fc.boolean(), fc.constant(null))
const jsonObject = fc.dictionary(strings, scalars, { maxKeys: 2, noNullPrototype: true })
const json = fc.oneof(scalars, fc.array(scalars, { maxLength: 2 }), jsonObject)

/**
 * JSON values that a schema accepts, and now and then one that only a refinement of it refuses.
 *
 * @throws {Error} When the schema is of a kind that the walk does not know yet.
 */
export function arbitraryOf(schema: Schema): fc.Arbitrary<unknown> {
  const { def } = (schema as z.$ZodTypes)._zod
  // eslint-disable-next-line @typescript-eslint/switch-exhaustiveness-check -- of the others MCP has no use
  switch (def.type) {
    case 'object':
      return objectOf(def)
    case 'optional':
    case 'default':
    case 'catch':
      return arbitraryOf(def.innerType)
    case 'pipe':
      // What is transformed first may have been anything; what it becomes is what the schema is about.
      return arbitraryOf(def.out)
    case 'intersection':
      return fc
        .tuple(arbitraryOf(def.right), arbitraryOf(def.left))
        .map(([a, b]) => ({ ...toObject(a), ...toObject(b) }))
    case 'array':
      return fc.array(arbitraryOf(def.element), { maxLength: 2 })
    case 'record':
      return fc.dictionary(strings, arbitraryOf(def.valueType), { maxKeys: 2, noNullPrototype: true })
    case 'union':
      return fc.oneof(...def.options.filter((option) => !isDropped(option)).map(arbitraryOf))
    case 'literal':
      return fc.constantFrom(...def.values)
    case 'enum':
      return fc.constantFrom(...Object.values(def.entries))
    case 'string':
      return stringOf(schema)
    case 'number':
      return fc.constantFrom(
        ...[0, 1, -1, 0.5, 2 ** 40].filter((value) => z.safeParse(schema, value).success),
      )
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'unknown':
      return json
    case 'custom':
      return jsonObject
    case 'lazy':
      // The only recursive schema there is: any JSON value.
      return json
    default:
      throw new Error(`No arbitrary for a schema of type ${def.type}`)
  }
}

function objectOf({ shape, catchall }: z.$ZodObjectDef): fc.Arbitrary<unknown> {
  const fields: Record<string, fc.Arbitrary<unknown>> = {}
  for (const [key, field] of Object.entries(shape)) fields[key] = arbitraryOf(field)
  const requiredKeys = Object.keys(shape).filter((key) => {
    const { optin, def } = shape[key]!._zod
    return optin !== 'optional' || def.type === 'default'
  })
  // An object that takes what it does not know is given some of that.
  if (catchall?._zod.def.type === 'unknown') fields['unknownField'] = json
  return fc.record(fields, { requiredKeys, noNullPrototype: true })
}

function toObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {}
}

function stringOf(schema: Schema): fc.Arbitrary<string> {
  for (const check of checksOf(schema)) {
    if (check.check === 'custom') return refined((string) => z.safeParse(schema, string).success)
    if (check.prefix !== undefined) return strings.map((string) => check.prefix + string)
  }
  const formats = formatsOf(schema)
  if (formats.includes('url'))
    return fc.constantFrom('https://example.com/a?b=c#d', 'http://[::1]:80/', 'mailto:a@b.c')
  if (formats.includes('datetime'))
    return fc.constantFrom('2025-01-12T15:00:58Z', '2025-01-12T15:00:58.5+02:00')
  return strings
}

const urls = ['https://example.com/a?b=c#d', 'http://[::1]:80/', 'mailto:a@b.c', 'file:///a']

/** Strings for a refinement, which does not say what it wants: it is tried. */
function refined(accepts: (string: string) => boolean): fc.Arbitrary<string> {
  if (accepts('aGVsbG8=')) return fc.constantFrom('', 'aGVsbG8=', 'water')
  return fc.constantFrom(...urls.filter(accepts))
}

interface Check {
  check?: string
  format?: string
  prefix?: string
}

function checksOf(schema: Schema): Check[] {
  return [schema._zod.def as Check, ...(schema._zod.def.checks ?? []).map((check) => check._zod.def as Check)]
}

function formatsOf(schema: Schema): (string | undefined)[] {
  return checksOf(schema).map(({ format }) => format)
}

/** Whether what the schema takes is made undefined: it does not come back. */
function isDropped(schema: Schema): boolean {
  return checksOf(schema).some(({ check }) => check === 'overwrite')
}

type Mutation = (value: unknown) => unknown

const mutations: Mutation[] = [
  () => undefined,
  () => null,
  () => 5,
  () => 1.5,
  () => 'changed',
  () => true,
  () => [],
  () => ({}),
  () => ['changed'],
  (value) => [value],
  (value) => ({ ...toObject(value), unknownField: { a: [1] } }),
  (value) => ({ ...toObject(value), unknownField: null }),
]

/** Values with one thing about them changed: a field dropped, of a wrong type, null, or unknown, at any depth. */
export function mutated(values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(values, fc.nat(), fc.constantFrom(...mutations))
    .map(([value, where, mutate]) => change(value, where % count(value), mutate))
}

/** A value with each of its own fields changed in each way. */
export function mutantsOf(value: unknown): unknown[] {
  let n = 1
  return Object.values(toObject(value)).flatMap((child) => {
    const here = n
    n += count(child)
    return mutations.map((mutate) => change(value, here, mutate))
  })
}

/** How many values there are in a value, itself included. */
function count(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce<number>((sum, child) => sum + count(child), 1)
}

/** A copy of the value in which the n-th of the values in it is changed. To become undefined is to be dropped. */
function change(value: unknown, n: number, mutate: Mutation): unknown {
  if (n === 0) return mutate(value)
  let left = n - 1
  const changed = Object.entries(value as object).flatMap(([key, child]) => {
    const here = left
    left -= count(child)
    const next: unknown = here >= 0 && left < 0 ? change(child, here, mutate) : child
    return next === undefined ? [] : [[key, next] as const]
  })
  return Array.isArray(value) ? changed.map(([, child]) => child) : Object.fromEntries(changed)
}
